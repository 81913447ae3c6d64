# The account of somebody who is signed in.
account-title = Su cuenta
account-hello = Hola, { $name }
account-ways = Qué puede hacer
account-owed-lead = { $count ->
    [one] Antes de continuar, le queda una cosa por hacer.
   *[other] Antes de continuar, le quedan { $count } cosas por hacer.
}
account-no-profile = Esta cuenta pertenece al propio servicio. No tiene un perfil que pueda cambiarse aquí.
account-complete = Su perfil está completo al { $percent } %
account-missing = Aún puede añadir:
profile = Perfil
profile-about = Su nombre, su dirección, sus preferencias.
password-about = Elija una nueva.
sessions = Dónde ha iniciado sesión
sessions-about = Vea sus dispositivos y cierre la sesión en los que no conozca.
notifications = Notificaciones
notifications-about = { $count ->
    [0] No tiene notificaciones.
    [one] Tiene una notificación.
   *[other] Tiene { $count } notificaciones.
}
back-to-profile = Volver a su perfil
personal = Datos personales
change-personal = Cambiar sus datos personales
change-mail = Cambiar el correo electrónico
safety = Seguridad
change-password = Cambiar la contraseña
change-questions = Cambiar sus preguntas de seguridad
change-preferences = Cambiar sus preferencias
your-data = Sus datos
download = Descargar sus datos
delete-account = Eliminar su cuenta
switched-on = Sí
switched-off = No
nothing = Sin indicar
current-password = Contraseña actual
new-mail = Nuevo correo electrónico
mail-pending = Hemos enviado un correo a { $mail }. La nueva dirección será válida cuando abra el enlace del correo o escriba su código.
mail-code-hint = El código del correo enviado a la nueva dirección
mail-confirm = Confirmar la nueva dirección
mail-cancel = Conservar la dirección actual
mail-other = Usar otra dirección

# Forms.
edit-personal-title = Sus datos personales
edit-mail-title = Su correo electrónico
edit-mail-lead = Enviaremos un correo a la nueva dirección. Será válida cuando la confirme.
edit-password-title = Cambiar la contraseña
edit-password-lead = Al guardarla, se cerrarán sus sesiones en todos los demás dispositivos.
set-password = Establecer una contraseña
confirm-lead = Su cuenta no tiene contraseña. Demuestre una vez más que es usted y podrá continuar.
confirm-with = Confirmar con { $name }
confirm-by-mail = Establecer una contraseña por correo electrónico
confirm-none = Su cuenta no tiene contraseña y aquí no hay forma de demostrar que es usted. Consulte a los responsables de este servicio.
confirm-done = Ha demostrado que es usted. Esto vale durante cinco minutos.
edit-questions-title = Sus preguntas de seguridad
edit-questions-lead = Se las hacemos si olvida su contraseña. Las nuevas preguntas sustituyen a las anteriores.
edit-preferences-title = Sus preferencias
edit-delete-title = Eliminar su cuenta
edit-delete-lead = Se eliminarán la cuenta y todo su contenido. Esta acción no se puede deshacer.
edit-delete-button = Eliminar la cuenta

# What was done.
done-personal = Sus datos personales se han guardado.
done-mail = Hemos enviado un correo a la nueva dirección. Abra su enlace para confirmarla.
done-mail-confirmed = Su nueva dirección está confirmada.
done-mail-cancelled = Su dirección queda como estaba.
done-password = Su contraseña se ha cambiado.
done-questions = Sus preguntas de seguridad se han guardado.
done-preferences = Sus preferencias se han guardado.
done-consent = Su elección se ha guardado.

# Sessions.
sessions-lead = ¿No reconoce alguna de estas sesiones? Ciérrela y cambie su contraseña.
session-from = Desde la dirección
session-since = Iniciada el
session-used = Último uso el
session-ended = Esa sesión se ha cerrado.
this-session = Sesión actual
unknown-browser = Navegador desconocido
end-session = Cerrar esta sesión
end-others = Cerrar todas las demás sesiones

# Notifications.
no-notifications = No tiene notificaciones.
dismiss = Descartar
dismiss-all = Descartar todas
notice-password = Su contraseña se ha cambiado.
notice-profile = Su perfil se ha modificado.

# Sharing of data.
sharing = Cesión de sus datos
sharing-lead = Solo compartimos sus datos si usted está de acuerdo.
sharing-fields = Datos que se comparten:
sharing-comma = { ", " }
sharing-since = Dio su consentimiento el
sharing-not = No ha dado su consentimiento.
sharing-begin = Dar su consentimiento
sharing-end = Dejar de compartir
sharing-none = Sus datos no se comparten con nadie.
