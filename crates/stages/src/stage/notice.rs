//! A mail of our own: that an account exists already, to whoever owns an address that somebody tried to register with (SEC-01). In the
//! reader's language.

use crate::account::Cx;
use crate::locale::Translations;

const EXISTS_SUBJECTS: [(&str, &str); 4] = [
    ("en", "You already have an account"),
    ("de", "Sie haben bereits ein Konto"),
    ("fr", "Vous avez déjà un compte"),
    ("es", "Ya tiene una cuenta"),
];

const EXISTS_MESSAGES: [(&str, &str); 4] = [
    (
        "en",
        "Somebody tried to register with this mail address, for which there is an account already. No new account was made.\n\nIf it was \
         you, sign in with your account; if you have forgotten your password or your user name, ask for it on the sign-in page.\n\nIf it \
         was not you, there is nothing to do.\n",
    ),
    (
        "de",
        "Jemand wollte sich mit dieser E-Mail-Adresse registrieren, für die es bereits ein Konto gibt. Es wurde kein neues Konto angelegt.\n\n\
         Waren Sie es selbst, melden Sie sich mit Ihrem Konto an; haben Sie Ihr Passwort oder Ihren Benutzernamen vergessen, hilft die \
         Anmeldeseite weiter.\n\nWaren Sie es nicht, ist nichts zu tun.\n",
    ),
    (
        "fr",
        "Quelqu’un a essayé de s’inscrire avec cette adresse, pour laquelle un compte existe déjà. Aucun nouveau compte n’a été créé.\n\nSi \
         c’était vous, connectez-vous avec votre compte ; si vous avez oublié votre mot de passe ou votre nom d’utilisateur, demandez-le sur \
         la page de connexion.\n\nSi ce n’était pas vous, il n’y a rien à faire.\n",
    ),
    (
        "es",
        "Alguien ha intentado registrarse con esta dirección de correo, para la que ya existe una cuenta. No se ha creado ninguna cuenta \
         nueva.\n\nSi fue usted, inicie sesión con su cuenta; si ha olvidado su contraseña o su nombre de usuario, pídalos en la página de \
         inicio de sesión.\n\nSi no fue usted, no tiene que hacer nada.\n",
    ),
];

/// A text in the caller's language.
fn choose(cx: &Cx<'_>, texts: &[(&str, &str)]) -> String {
    let texts = Translations::of(texts);
    texts.choose(&cx.caller.locales, &cx.services.default_locale).unwrap_or_default().to_owned()
}

/// A text of our own, not yet addressed.
pub(super) struct Notice {
    pub(super) subject: String,
    pub(super) mime_type: String,
    pub(super) body: String,
}

/// The text to the owner of an address that somebody tried to register with.
pub(super) fn account_exists(cx: &Cx<'_>) -> Notice {
    Notice { subject: choose(cx, &EXISTS_SUBJECTS), mime_type: "text/plain".into(), body: choose(cx, &EXISTS_MESSAGES) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_both_texts() {
        let locales = |texts: &[(&'static str, &str)]| texts.iter().map(|(locale, _)| *locale).collect::<Vec<_>>();
        assert_eq!(locales(&EXISTS_SUBJECTS), locales(&EXISTS_MESSAGES));
    }
}
