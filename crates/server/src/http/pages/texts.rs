//! What the page says, in four languages.

/// The texts of one language.
pub(super) struct Texts {
    pub(super) language: &'static str,
    pub(super) title: &'static str,
    pub(super) confirm: &'static str,
    pub(super) confirm_button: &'static str,
    pub(super) confirmed: &'static str,
    pub(super) undo: &'static str,
    pub(super) undo_button: &'static str,
    pub(super) undone: &'static str,
    pub(super) undone_next: &'static str,
    pub(super) password: &'static str,
    pub(super) wrong: &'static str,
    pub(super) invalid: &'static str,
    pub(super) later: &'static str,
}

const ALL: [Texts; 4] = [
    Texts {
        language: "en",
        title: "Mail address",
        confirm: "Use this mail address for your account?",
        confirm_button: "Confirm",
        confirmed: "Your mail address was changed.",
        undo: "Keep your mail address?",
        undo_button: "Keep it",
        undone: "Your mail address stays as it was.",
        undone_next: "All sessions of your account were ended. Change your password now.",
        password: "Your password",
        wrong: "The password is wrong.",
        invalid: "This link is not valid any more.",
        later: "Please try again later.",
    },
    Texts {
        language: "de",
        title: "E-Mail-Adresse",
        confirm: "Diese E-Mail-Adresse für Ihr Konto verwenden?",
        confirm_button: "Bestätigen",
        confirmed: "Ihre E-Mail-Adresse wurde geändert.",
        undo: "Ihre E-Mail-Adresse behalten?",
        undo_button: "Behalten",
        undone: "Ihre E-Mail-Adresse bleibt, wie sie war.",
        undone_next: "Alle Sitzungen Ihres Kontos wurden beendet. Ändern Sie jetzt Ihr Passwort.",
        password: "Ihr Passwort",
        wrong: "Das Passwort ist falsch.",
        invalid: "Dieser Link gilt nicht mehr.",
        later: "Bitte versuchen Sie es später noch einmal.",
    },
    Texts {
        language: "fr",
        title: "Adresse électronique",
        confirm: "Utiliser cette adresse pour votre compte ?",
        confirm_button: "Confirmer",
        confirmed: "Votre adresse a été modifiée.",
        undo: "Garder votre adresse ?",
        undo_button: "La garder",
        undone: "Votre adresse reste la même.",
        undone_next: "Toutes les sessions de votre compte ont pris fin. Changez maintenant votre mot de passe.",
        password: "Votre mot de passe",
        wrong: "Le mot de passe est faux.",
        invalid: "Ce lien n’est plus valable.",
        later: "Veuillez réessayer plus tard.",
    },
    Texts {
        language: "es",
        title: "Dirección de correo",
        confirm: "¿Usar esta dirección para su cuenta?",
        confirm_button: "Confirmar",
        confirmed: "Su dirección de correo ha sido cambiada.",
        undo: "¿Conservar su dirección de correo?",
        undo_button: "Conservarla",
        undone: "Su dirección de correo queda como estaba.",
        undone_next: "Han terminado todas las sesiones de su cuenta. Cambie ahora su contraseña.",
        password: "Su contraseña",
        wrong: "La contraseña no es correcta.",
        invalid: "Este enlace ya no es válido.",
        later: "Inténtelo de nuevo más tarde.",
    },
];

impl Texts {
    /// Those for somebody who reads `locales`, in this order.
    pub(super) fn choose(locales: &[String], default: &str) -> &'static Self {
        let [english, ..] = &ALL;
        let of = |tag: &str| ALL.iter().find(|texts| tag.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(texts.language)));
        locales.iter().find_map(|tag| of(tag)).or_else(|| of(default)).unwrap_or(english)
    }
}
