//! The notice that a password was changed (SEC-14): to the owner's stored address, in his language, without link, code or password.

use process::Mail;

use crate::MailAddress;
use crate::account::Cx;
use crate::locale::Translations;

const SUBJECTS: [(&str, &str); 4] = [
    ("en", "Your password was changed"),
    ("de", "Ihr Passwort wurde geändert"),
    ("fr", "Votre mot de passe a été modifié"),
    ("es", "Su contraseña ha sido cambiada"),
];

const MESSAGES: [(&str, &str); 4] = [
    (
        "en",
        "The password of your account was changed just now.\n\nIf it was you, there is nothing to do.\n\nIf it was not you, somebody may have \
         got into your account or your mailbox: choose a new password at once and tell your administrator.\n",
    ),
    (
        "de",
        "Das Passwort Ihres Kontos wurde soeben geändert.\n\nWaren Sie es selbst, ist nichts zu tun.\n\nWaren Sie es nicht, hat sich vielleicht \
         jemand Zugang zu Ihrem Konto oder Ihrem Postfach verschafft: Wählen Sie sofort ein neues Passwort und verständigen Sie Ihren \
         Administrator.\n",
    ),
    (
        "fr",
        "Le mot de passe de votre compte vient d’être modifié.\n\nSi c’était vous, il n’y a rien à faire.\n\nSi ce n’était pas vous, quelqu’un a \
         peut-être accédé à votre compte ou à votre messagerie : choisissez aussitôt un nouveau mot de passe et prévenez votre administrateur.\n",
    ),
    (
        "es",
        "La contraseña de su cuenta acaba de cambiarse.\n\nSi fue usted, no tiene que hacer nada.\n\nSi no fue usted, es posible que alguien haya \
         entrado en su cuenta o en su correo: elija enseguida una nueva contraseña y avise a su administrador.\n",
    ),
];

/// The mail to the owner.
pub(super) fn password_changed(cx: &Cx<'_>, to: MailAddress) -> Mail {
    let choose = |texts: &[(&str, &str)]| {
        let texts = Translations::of(texts);
        texts.choose(&cx.caller.locales, &cx.services.default_locale).unwrap_or_default().to_owned()
    };
    Mail {
        to: to.into(),
        from: None,
        subject: choose(&SUBJECTS),
        mime_type: "text/plain".into(),
        body: choose(&MESSAGES),
        wait: false,
        withheld: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_both_texts() {
        let locales = |texts: &[(&'static str, &str)]| texts.iter().map(|(locale, _)| *locale).collect::<Vec<_>>();
        assert_eq!(locales(&SUBJECTS), locales(&MESSAGES));
    }
}
