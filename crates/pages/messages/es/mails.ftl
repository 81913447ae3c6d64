# Mails of our own, as plain text. Each has a subject and a body; a project's emailTemplate-<name>.json stands before it.
letter-noticePasswordChanged-subject = Su contraseña ha sido cambiada
letter-noticePasswordChanged-body =
    La contraseña de su cuenta acaba de cambiarse.

    Si fue usted, no tiene que hacer nada.

    Si no fue usted, es posible que alguien haya entrado en su cuenta o en su correo: elija enseguida una nueva contraseña y avise a la administración de su servicio.
letter-noticeQuestionsChanged-subject = Sus preguntas de seguridad han sido cambiadas
letter-noticeQuestionsChanged-body =
    Las preguntas de seguridad de su cuenta acaban de cambiarse.

    Si fue usted, no tiene que hacer nada.

    Si no fue usted, cambie enseguida su contraseña y avise a la administración de su servicio.
# Values: $providers are the names of identity providers.
letter-noticeLinksEnded-subject = El inicio de sesión con otro proveedor ha terminado
letter-noticeLinksEnded-body =
    Alguien que lee este buzón ha establecido su contraseña. Hasta entonces nadie había demostrado que este correo electrónico es el de la cuenta, así que lo que estaba vinculado a ella ya no lo está: { $providers }

    Si quiere volver a iniciar sesión de ese modo, inicie sesión con su contraseña y vincúlelo otra vez.

    Si usted no ha establecido la contraseña, cámbiela enseguida y avise a la administración de su servicio.
# Values: $browser is what the browser calls itself, $address is an IP address.
letter-noticeNewDevice-subject = Un nuevo inicio de sesión en su cuenta
letter-noticeNewDevice-body =
    Alguien ha iniciado sesión en su cuenta con un navegador que no se había usado hasta ahora.

    Navegador: { $browser }
    Dirección: { $address }
    Hora: { $time }

    Si fue usted, no tiene que hacer nada.

    Si no fue usted, cambie enseguida su contraseña: así terminan todas las demás sesiones.
# To a new address.
letter-mailConfirm-subject = Confirme su nuevo correo electrónico
letter-mailConfirm-body =
    Alguien ha pedido usar esta dirección para una cuenta. Será válida en cuanto usted la confirme:

    { $link }

    O escriba este código donde pidió el cambio: { $code }

    Si no fue usted, no tiene que hacer nada: sin confirmación no cambia nada.
# To the old address. Values: $new is the new one.
letter-mailRequested-subject = Su correo electrónico va a cambiar
letter-mailRequested-body =
    Alguien ha pedido cambiar el correo electrónico de su cuenta por { $new }. Esta dirección sigue en uso hasta que se confirme la nueva.

    Si fue usted, no tiene que hacer nada.

    Si no fue usted, conserve esta dirección con el siguiente enlace y luego cambie su contraseña. El enlace es válido durante una semana, también después del cambio:

    { $link }
letter-mailChanged-subject = Su correo electrónico ha sido cambiado
letter-mailChanged-body =
    El correo electrónico de su cuenta acaba de cambiarse por { $new }.

    Si fue usted, no tiene que hacer nada.

    Si no fue usted, recupere esta dirección con el siguiente enlace y luego cambie su contraseña. El enlace es válido durante una semana:

    { $link }
# To the owner of an address that somebody tried to register with.
letter-noticeAccountExists-subject = Ya tiene una cuenta
letter-noticeAccountExists-body =
    Alguien ha intentado registrarse con este correo electrónico. Ya existe una cuenta para él, por lo que no se ha creado ninguna nueva.

    Si fue usted, inicie sesión con su cuenta. Si ha olvidado su contraseña o su nombre de usuario, pídalos en la página de inicio de sesión.

    Si no fue usted, no tiene que hacer nada.

# To the owner of an account that somebody claims who comes from an identity provider.
letter-claimCode-subject = Su código
letter-claimCode-body =
    Alguien que ha iniciado sesión con { $provider } quiere usarlo para entrar en su cuenta de aquí. Si es usted, escriba este código:

    { $code }

    Si no fue usted, no tiene que hacer nada. No dé el código a nadie: quien lo tenga podrá iniciar sesión como usted.
letter-noticeClaimUnconfirmed-subject = Confirme primero su correo electrónico
letter-noticeClaimUnconfirmed-body =
    Alguien que ha iniciado sesión con { $provider } quiere usarlo para entrar en su cuenta de aquí. Este correo electrónico nunca se ha confirmado, por lo que todavía no se puede enviar un código a él.

    Si fue usted, restablezca su contraseña en la página de inicio de sesión. Con eso se confirma la dirección y después se podrán vincular las cuentas.

    Si no fue usted, no tiene que hacer nada.

# The page behind the links that confirm or undo a new address.
mail-link-title = Correo electrónico
mail-link-confirm = ¿Usar este correo electrónico para su cuenta?
mail-link-confirm-button = Confirmar
mail-link-confirmed = Su correo electrónico ha sido cambiado
mail-link-undo = ¿Conservar su correo electrónico?
mail-link-undo-button = Conservarlo
mail-link-undone = Su correo electrónico queda como estaba
mail-link-undone-next = Se han cerrado todas las sesiones de su cuenta. Cambie ahora su contraseña.
mail-link-invalid = Este enlace ya no es válido
mail-link-invalid-lead = Un enlace de un correo solo se puede usar una vez y durante un día.
