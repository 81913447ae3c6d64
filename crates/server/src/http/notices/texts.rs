//! The texts of our own mails: language, subject, body.

use super::Text;

pub(super) const PASSWORD_CHANGED: [Text; 4] = [
    (
        "en",
        "Your password was changed",
        "The password of your account was changed just now.\n\nIf it was you, there is nothing to do.\n\nIf it was not you, somebody may have got into \
         your account or your mailbox: choose a new password at once and tell your administrator.\n",
    ),
    (
        "de",
        "Ihr Passwort wurde geändert",
        "Das Passwort Ihres Kontos wurde soeben geändert.\n\nWaren Sie es selbst, ist nichts zu tun.\n\nWaren Sie es nicht, hat sich vielleicht jemand \
         Zugang zu Ihrem Konto oder Ihrem Postfach verschafft: Wählen Sie sofort ein neues Passwort und verständigen Sie Ihren Administrator.\n",
    ),
    (
        "fr",
        "Votre mot de passe a été modifié",
        "Le mot de passe de votre compte vient d’être modifié.\n\nSi c’était vous, il n’y a rien à faire.\n\nSi ce n’était pas vous, quelqu’un a \
         peut-être accédé à votre compte ou à votre messagerie : choisissez aussitôt un nouveau mot de passe et prévenez votre administrateur.\n",
    ),
    (
        "es",
        "Su contraseña ha sido cambiada",
        "La contraseña de su cuenta acaba de cambiarse.\n\nSi fue usted, no tiene que hacer nada.\n\nSi no fue usted, es posible que alguien haya \
         entrado en su cuenta o en su correo: elija enseguida una nueva contraseña y avise a su administrador.\n",
    ),
];

pub(super) const QUESTIONS_CHANGED: [Text; 4] = [
    (
        "en",
        "Your security questions were changed",
        "The security questions of your account were changed just now.\n\nIf it was you, there is nothing to do.\n\nIf it was not you, change your \
         password at once and tell your administrator.\n",
    ),
    (
        "de",
        "Ihre Sicherheitsfragen wurden geändert",
        "Die Sicherheitsfragen Ihres Kontos wurden soeben geändert.\n\nWaren Sie es selbst, ist nichts zu tun.\n\nWaren Sie es nicht, ändern Sie \
         sofort Ihr Passwort und verständigen Sie Ihren Administrator.\n",
    ),
    (
        "fr",
        "Vos questions de sécurité ont été modifiées",
        "Les questions de sécurité de votre compte viennent d’être modifiées.\n\nSi c’était vous, il n’y a rien à faire.\n\nSi ce n’était pas vous, \
         changez aussitôt votre mot de passe et prévenez votre administrateur.\n",
    ),
    (
        "es",
        "Sus preguntas de seguridad han sido cambiadas",
        "Las preguntas de seguridad de su cuenta acaban de cambiarse.\n\nSi fue usted, no tiene que hacer nada.\n\nSi no fue usted, cambie enseguida \
         su contraseña y avise a su administrador.\n",
    ),
];

pub(super) const NEW_DEVICE: [Text; 4] = [
    (
        "en",
        "A new sign-in to your account",
        "Somebody signed in to your account from a browser that was not used before.\n\nBrowser: %browser%\nAddress: %address%\nTime: %time%\n\nIf it \
         was you, there is nothing to do.\n\nIf it was not you, change your password at once: that ends all other sessions.\n",
    ),
    (
        "de",
        "Eine neue Anmeldung an Ihrem Konto",
        "Jemand hat sich mit einem bisher nicht benutzten Browser an Ihrem Konto angemeldet.\n\nBrowser: %browser%\nAdresse: %address%\nZeit: \
         %time%\n\nWaren Sie es selbst, ist nichts zu tun.\n\nWaren Sie es nicht, ändern Sie sofort Ihr Passwort: Das beendet alle anderen \
         Sitzungen.\n",
    ),
    (
        "fr",
        "Une nouvelle connexion à votre compte",
        "Quelqu’un s’est connecté à votre compte avec un navigateur jamais utilisé auparavant.\n\nNavigateur : %browser%\nAdresse : %address%\nHeure : \
         %time%\n\nSi c’était vous, il n’y a rien à faire.\n\nSi ce n’était pas vous, changez aussitôt votre mot de passe : toutes les autres \
         sessions prendront fin.\n",
    ),
    (
        "es",
        "Un nuevo inicio de sesión en su cuenta",
        "Alguien ha iniciado sesión en su cuenta con un navegador no usado hasta ahora.\n\nNavegador: %browser%\nDirección: %address%\nHora: \
         %time%\n\nSi fue usted, no tiene que hacer nada.\n\nSi no fue usted, cambie enseguida su contraseña: así terminan todas las demás \
         sesiones.\n",
    ),
];

pub(super) const MAIL_CONFIRM: [Text; 4] = [
    (
        "en",
        "Confirm your new mail address",
        "Somebody asked to use this address for an account. It counts as soon as you confirm it:\n\n%link%\n\nOr type this code where you asked for \
         the change: %code%\n\nIf it was not you, there is nothing to do; without confirmation nothing changes.\n",
    ),
    (
        "de",
        "Bestätigen Sie Ihre neue E-Mail-Adresse",
        "Jemand möchte diese Adresse für ein Konto verwenden. Sie gilt, sobald Sie sie bestätigen:\n\n%link%\n\nOder geben Sie diesen Code dort ein, \
         wo Sie die Änderung verlangt haben: %code%\n\nWaren Sie es nicht, ist nichts zu tun; ohne Bestätigung ändert sich nichts.\n",
    ),
    (
        "fr",
        "Confirmez votre nouvelle adresse",
        "Quelqu’un a demandé à utiliser cette adresse pour un compte. Elle sera valable dès que vous la confirmerez :\n\n%link%\n\nOu saisissez ce code \
         là où vous avez demandé la modification : %code%\n\nSi ce n’était pas vous, il n’y a rien à faire ; sans confirmation, rien ne change.\n",
    ),
    (
        "es",
        "Confirme su nueva dirección de correo",
        "Alguien ha pedido usar esta dirección para una cuenta. Valdrá en cuanto usted la confirme:\n\n%link%\n\nO escriba este código donde pidió el \
         cambio: %code%\n\nSi no fue usted, no tiene que hacer nada; sin confirmación no cambia nada.\n",
    ),
];

pub(super) const MAIL_REQUESTED: [Text; 4] = [
    (
        "en",
        "Your mail address is to be changed",
        "Somebody asked to change the mail address of your account to %new%. This address stays in use until the new one is confirmed.\n\nIf it was \
         you, there is nothing to do.\n\nIf it was not you, keep this address with the following link, which works for a week, also after the \
         change, and then change your password:\n\n%link%\n",
    ),
    (
        "de",
        "Ihre E-Mail-Adresse soll geändert werden",
        "Jemand möchte die E-Mail-Adresse Ihres Kontos in %new% ändern. Diese Adresse bleibt in Gebrauch, bis die neue bestätigt ist.\n\nWaren Sie es \
         selbst, ist nichts zu tun.\n\nWaren Sie es nicht, behalten Sie diese Adresse mit dem folgenden Link, der eine Woche lang und auch nach der \
         Änderung wirkt, und ändern Sie danach Ihr Passwort:\n\n%link%\n",
    ),
    (
        "fr",
        "Votre adresse va être modifiée",
        "Quelqu’un a demandé de remplacer l’adresse de votre compte par %new%. Celle-ci reste en usage jusqu’à la confirmation de la nouvelle.\n\nSi \
         c’était vous, il n’y a rien à faire.\n\nSi ce n’était pas vous, gardez cette adresse avec le lien suivant, valable une semaine, même après \
         la modification, puis changez votre mot de passe :\n\n%link%\n",
    ),
    (
        "es",
        "Su dirección de correo va a cambiar",
        "Alguien ha pedido cambiar la dirección de correo de su cuenta por %new%. Esta dirección sigue en uso hasta que se confirme la nueva.\n\nSi fue \
         usted, no tiene que hacer nada.\n\nSi no fue usted, conserve esta dirección con el siguiente enlace, válido durante una semana, también \
         después del cambio, y luego cambie su contraseña:\n\n%link%\n",
    ),
];

pub(super) const MAIL_CHANGED: [Text; 4] = [
    (
        "en",
        "Your mail address was changed",
        "The mail address of your account was changed to %new% just now.\n\nIf it was you, there is nothing to do.\n\nIf it was not you, take this \
         address back with the following link, which works for a week, and then change your password:\n\n%link%\n",
    ),
    (
        "de",
        "Ihre E-Mail-Adresse wurde geändert",
        "Die E-Mail-Adresse Ihres Kontos wurde soeben in %new% geändert.\n\nWaren Sie es selbst, ist nichts zu tun.\n\nWaren Sie es nicht, holen Sie \
         diese Adresse mit dem folgenden Link zurück, der eine Woche lang wirkt, und ändern Sie danach Ihr Passwort:\n\n%link%\n",
    ),
    (
        "fr",
        "Votre adresse a été modifiée",
        "L’adresse de votre compte vient d’être remplacée par %new%.\n\nSi c’était vous, il n’y a rien à faire.\n\nSi ce n’était pas vous, \
         reprenez cette adresse avec le lien suivant, valable une semaine, puis changez votre mot de passe :\n\n%link%\n",
    ),
    (
        "es",
        "Su dirección de correo ha sido cambiada",
        "La dirección de correo de su cuenta acaba de cambiarse por %new%.\n\nSi fue usted, no tiene que hacer nada.\n\nSi no fue usted, recupere \
         esta dirección con el siguiente enlace, válido durante una semana, y luego cambie su contraseña:\n\n%link%\n",
    ),
];
