# The names of the usual processes.
process-reset = Restablecer su contraseña
process-registration = Crear una cuenta
process-username = Recuperar su nombre de usuario
process-profile = Completar su perfil
process-kbaUpdate = Sus preguntas de seguridad
process-termsAndConditions = Términos y condiciones

# Finding an account.
user-name-or-mail = Nombre de usuario o correo electrónico
account-identifier = Dato con el que inicia sesión
stage-userQuery-title = ¿De qué cuenta se trata?
stage-userQuery-reset = Enviaremos un correo a la dirección de esta cuenta. Con su enlace podrá elegir una nueva contraseña.
stage-userQuery-username = Enviaremos su nombre de usuario a la dirección de esta cuenta.
stage-userQuery-other = Díganos de qué cuenta se trata.

# The mailed code.
stage-emailValidation-title = Consulte su correo
stage-emailValidation-mail-title = ¿Cuál es su correo electrónico?
stage-emailValidation-mail-lead = Le enviaremos un código para asegurarnos de que es suyo.
stage-emailValidation-lead = Si conocemos la dirección, le llegará un correo. Abra su enlace o escriba aquí su código.
stage-emailValidation-lead-registration = Hemos enviado un correo a la dirección que indicó. Abra su enlace o escriba aquí su código.
code = Código
code-hint = Ocho dígitos, o el código entero del correo
again = Enviar el correo de nuevo
again-lead = ¿No le ha llegado el correo? Puede tardar un minuto. Mire también en el correo no deseado.
sent-again = Hemos enviado el correo de nuevo.

# Security questions.
stage-kbaSecurityAnswerVerificationStage-title = Responda a sus preguntas de seguridad
stage-kbaSecurityAnswerVerificationStage-lead = Usted eligió estas preguntas. Da igual usar mayúsculas o minúsculas.
stage-kbaSecurityAnswerDefinitionStage-title = Elija preguntas de seguridad
stage-kbaSecurityAnswerDefinitionStage-lead = Se las haremos si olvida su contraseña. Elija algo que solo usted sepa.
security-question = { $count ->
    [one] Pregunta de seguridad
   *[other] Pregunta de seguridad { $number }
}
security-answer = Respuesta
own-question = Una pregunta propia
own-question-text = Su pregunta
only-own-question = (solo para una pregunta propia)
answer = Respuesta

# The new password.
stage-resetStage-title = Elija una nueva contraseña
stage-resetStage-lead = Al guardarla, se cerrarán sus sesiones en todos los demás dispositivos.
stage-resetStage-button = Guardar la nueva contraseña

# Registration.
stage-details-title = Crear una cuenta
stage-details-lead = Díganos quién es.
stage-details-button = Crear la cuenta
preferences = Preferencias
preference-updates = Quiero recibir noticias y novedades
preference-marketing = Quiero recibir ofertas y servicios especiales

# Terms, consent, captcha.
stage-termsAndConditions-title = Términos y condiciones
terms = Términos y condiciones
accept-terms = He leído y acepto los términos y condiciones
stage-consent-title = ¿Podemos compartir sus datos?
consent-document = Cesión de sus datos
give-consent = Acepto que mis datos se compartan como se describe
stage-captcha-title = ¿Es usted una persona?
captcha = Comprobación de que es una persona
captcha-needs-script = Este paso necesita JavaScript, porque el servicio que hace la comprobación lo requiere.

# The profile.
complete-your-profile = Complete su perfil
fill-in-what-is-missing = Rellene lo que falta, por favor.
update-questions = Actualice sus preguntas de seguridad
update-questions-lead = Revise y actualice sus preguntas de seguridad.
update = Actualizar
updated-terms = Hemos actualizado nuestros términos
updated-terms-lead = Para continuar, debe aceptar los nuevos términos.
accept = Aceptar
add-telephone = Añada su número de teléfono
add-telephone-lead = Nos ayuda a verificar su identidad.
skip = Ahora no

# A mailed link was opened.
link-title = Solo un paso más
link-lead-reset = Ha abierto el enlace de nuestro correo. Continúe para elegir una nueva contraseña.
link-lead-registration = Ha abierto el enlace de nuestro correo. Continúe para confirmar su dirección y crear la cuenta.
link-lead-other = Ha abierto el enlace de nuestro correo. Continúe para confirmar que fue usted.
link-code = El enlace no contiene ningún código. Escriba el del correo.

# The end.
ended-title = Listo
ended-reset-title = Su contraseña se ha cambiado
ended-reset-lead = Ya puede iniciar sesión con la nueva contraseña. Le hemos enviado un correo para informarle.
ended-username-title = Su nombre de usuario
ended-username-lead = Su nombre de usuario es
ended-mailed-title = Consulte su correo
ended-mailed-lead = Si conocemos la dirección, hemos enviado allí el nombre de usuario.
ended-registration-title = Su cuenta está lista
ended-registration-lead = Ya puede iniciar sesión.
ended-lead = Ha completado todos los pasos.
ended-nothing-title = No hay nada que hacer
ended-nothing-lead = Aquí no se le pide nada.
ended-next = Continuar

# A link whose address holds everything behind a #.
mail-code-title = Enlace de un correo
mail-code-lead = Copie el enlace entero del correo y péguelo aquí.
mail-code-begun = ¿Empezó en este navegador? Entonces vuelva a la página en la que empezó y escriba allí el código.
link-from-mail = Enlace del correo
