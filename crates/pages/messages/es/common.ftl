# What every page says. Values: $name is the name of the person or the service, as the sentence says.
language-name = Español
service = Su cuenta
skip-to-content = Ir al contenido
sign-in = Iniciar sesión
sign-out = Cerrar sesión
create-account = Crear una cuenta
forgotten-password = ¿Ha olvidado su contraseña?
forgotten-user-name = ¿Ha olvidado su nombre de usuario?
continue = Continuar
save = Guardar
back-to-account = Volver a su cuenta
optional-mark = (opcional)
error-prefix = Error:
summary-colon = { ": " }
there-is-a-problem = Hay un problema
language = Idioma
language-loses = Se perderá lo que ha escrito en esta página. ¿Cambiar el idioma?
footer = Enlaces
user-name = Nombre de usuario
password = Contraseña
new-password = Nueva contraseña
show-password = Mostrar
hide-password = Ocultar
show-password-of = Mostrar la contraseña
hide-password-of = Ocultar la contraseña
password-rules = Reglas para su contraseña:
rule-met = Reglas cumplidas
rule-open = Aún por cumplir
rule-later = se comprueba al guardar
strength = Seguridad:
strength-0 = Muy débil
strength-1 = Débil
strength-2 = Aceptable
strength-3 = Buena
strength-4 = Fuerte

# Properties that projects leave as they usually are.
property-userName = Nombre de usuario
property-givenName = Nombre
property-sn = Apellidos
property-mail = Correo electrónico
property-description = Descripción
property-displayName = Nombre visible
property-telephoneNumber = Número de teléfono
property-postalAddress = Calle y número
property-city = Localidad
property-postalCode = Código postal
property-country = País
property-stateProvince = Estado o provincia

# The first page.
landing-title = Le damos la bienvenida
landing-lead = Inicie sesión para ver o cambiar su cuenta, o cree una nueva.
landing-help = ¿Problemas para iniciar sesión?
landing-code = Introducir el enlace de un correo
landing-fragment = Si ha llegado aquí por el enlace de un correo, tiene que introducir ese enlace otra vez.
landing-others = Otros trámites

# Signing in.
sign-in-title = Iniciar sesión
signed-out = Ha cerrado la sesión.
session-over = Su sesión ha terminado. Inicie sesión de nuevo para continuar.

# Signed in already.
already-title = Ya ha iniciado sesión
already-lead = Ha iniciado sesión como { $name }. Para continuar, cierre primero la sesión.
already-password = Si quiere una nueva contraseña, puede cambiarla en su cuenta.
already-change-password = Cambiar la contraseña
already-sign-out = Cerrar sesión y continuar
already-account = Ir a su cuenta
