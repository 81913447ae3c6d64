# What every page says. Values: $name is the name of the person or the service, as the sentence says.
language-name = Deutsch
service = Ihr Konto
skip-to-content = Zum Inhalt springen
sign-in = Anmelden
sign-out = Abmelden
create-account = Konto erstellen
forgotten-password = Passwort vergessen?
forgotten-user-name = Benutzernamen vergessen?
continue = Weiter
save = Speichern
back-to-account = Zurück zu Ihrem Konto
optional-mark = (freiwillig)
error-prefix = Fehler:
summary-colon = { ": " }
there-is-a-problem = Es gibt ein Problem
language = Sprache
language-loses = Was Sie auf dieser Seite eingegeben haben, geht verloren. Sprache wechseln?
footer = Links
user-name = Benutzername
password = Passwort
new-password = Neues Passwort
show-password = Anzeigen
hide-password = Verbergen
show-password-of = Passwort anzeigen
hide-password-of = Passwort verbergen
password-rules = Regeln für Ihr Passwort:
rule-met = Erfüllt
rule-open = Noch nicht erfüllt
rule-later = wird beim Speichern geprüft
strength = Stärke:
strength-0 = Sehr schwach
strength-1 = Schwach
strength-2 = Mittel
strength-3 = Gut
strength-4 = Stark

# Properties that projects leave as they usually are.
property-userName = Benutzername
property-givenName = Vorname
property-sn = Nachname
property-mail = E‑Mail-Adresse
property-description = Beschreibung
property-displayName = Anzeigename
property-telephoneNumber = Telefonnummer
property-postalAddress = Straße und Hausnummer
property-city = Ort
property-postalCode = Postleitzahl
property-country = Land
property-stateProvince = Bundesland, Kanton oder Provinz

# The first page.
landing-title = Willkommen
landing-lead = Melden Sie sich an, um Ihr Konto anzusehen oder zu ändern. Oder erstellen Sie ein neues.
landing-help = Probleme bei der Anmeldung?
landing-code = Link aus einer E‑Mail eingeben
landing-fragment = Wenn Sie über den Link in einer E‑Mail hierher gekommen sind, geben Sie diesen Link bitte noch einmal ein.
landing-others = Weitere Angebote

# Signing in.
sign-in-title = Anmelden
signed-out = Sie haben sich abgemeldet.
session-over = Sie wurden abgemeldet. Melden Sie sich wieder an, um fortzufahren.

# Signed in already.
already-title = Sie sind angemeldet
already-lead = Sie sind als { $name } angemeldet. Um fortzufahren, melden Sie sich bitte zuerst ab.
already-password = Wenn Sie ein neues Passwort möchten, können Sie es in Ihrem Konto ändern.
already-change-password = Passwort ändern
already-sign-out = Abmelden und fortfahren
already-account = Zu Ihrem Konto
