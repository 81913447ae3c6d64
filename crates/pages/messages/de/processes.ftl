# The names of the usual processes.
process-reset = Passwort zurücksetzen
process-registration = Konto erstellen
process-username = Benutzernamen finden
process-profile = Profil vervollständigen
process-kbaUpdate = Ihre Sicherheitsfragen
process-termsAndConditions = Nutzungsbedingungen

# Finding an account.
user-name-or-mail = Benutzername oder E‑Mail-Adresse
account-identifier = Womit Sie sich anmelden
stage-userQuery-title = Um welches Konto geht es?
stage-userQuery-reset = Wir senden eine E‑Mail an die Adresse dieses Kontos. Über den Link darin wählen Sie ein neues Passwort.
stage-userQuery-username = Wir senden Ihren Benutzernamen an die Adresse dieses Kontos.
stage-userQuery-other = Sagen Sie uns, um welches Konto es geht.

# The mailed code.
stage-emailValidation-title = Sehen Sie in Ihr E‑Mail-Postfach
stage-emailValidation-mail-title = Wie lautet Ihre E‑Mail-Adresse?
stage-emailValidation-mail-lead = Wir senden einen Code dorthin, um sicher zu sein, dass sie Ihnen gehört.
stage-emailValidation-lead = Wenn wir die Adresse kennen, ist eine E‑Mail unterwegs. Öffnen Sie den Link darin, oder geben Sie hier den Code ein.
stage-emailValidation-lead-registration = Wir haben eine E‑Mail an die angegebene Adresse gesendet. Öffnen Sie den Link darin, oder geben Sie hier den Code ein.
code = Code
code-hint = Acht Ziffern oder der ganze Code aus der E‑Mail
again = E‑Mail noch einmal senden
again-lead = Keine E‑Mail bekommen? Es kann eine Minute dauern. Sehen Sie auch im Spam-Ordner nach.
sent-again = Wir haben die E‑Mail noch einmal gesendet.

# Security questions.
stage-kbaSecurityAnswerVerificationStage-title = Beantworten Sie Ihre Sicherheitsfragen
stage-kbaSecurityAnswerVerificationStage-lead = Diese Fragen haben Sie gewählt. Groß- und Kleinschreibung spielt keine Rolle.
stage-kbaSecurityAnswerDefinitionStage-title = Wählen Sie Sicherheitsfragen
stage-kbaSecurityAnswerDefinitionStage-lead = Wir stellen sie Ihnen, wenn Sie Ihr Passwort vergessen haben. Wählen Sie Fragen, deren Antwort nur Sie kennen.
security-question = { $count ->
    [one] Sicherheitsfrage
   *[other] Sicherheitsfrage { $number }
}
security-answer = Antwort
own-question = Eine eigene Frage
own-question-text = Ihre Frage
only-own-question = (nur bei einer eigenen Frage)
answer = Antwort

# The new password.
stage-resetStage-title = Wählen Sie ein neues Passwort
stage-resetStage-lead = Wenn Sie es speichern, werden Sie überall sonst abgemeldet.
stage-resetStage-button = Neues Passwort speichern

# Registration.
stage-details-title = Konto erstellen
stage-details-lead = Sagen Sie uns, wer Sie sind.
stage-details-button = Konto erstellen
preferences = Einstellungen
preference-updates = Neuigkeiten per E‑Mail erhalten
preference-marketing = Besondere Angebote per E‑Mail erhalten

# Terms, consent, captcha.
stage-termsAndConditions-title = Nutzungsbedingungen
terms = Nutzungsbedingungen
accept-terms = Ich habe die Nutzungsbedingungen gelesen und stimme ihnen zu
stage-consent-title = Dürfen wir Ihre Daten weitergeben?
consent-document = Weitergabe Ihrer Daten
give-consent = Ich stimme zu, dass meine Daten wie beschrieben weitergegeben werden
stage-captcha-title = Sind Sie ein Mensch?
captcha = Nachweis, dass Sie ein Mensch sind
captcha-needs-script = Für diesen Schritt ist JavaScript nötig, weil der prüfende Dienst es voraussetzt.

# The profile.
complete-your-profile = Vervollständigen Sie Ihr Profil
fill-in-what-is-missing = Bitte ergänzen Sie, was noch fehlt.
update-questions = Aktualisieren Sie Ihre Sicherheitsfragen
update-questions-lead = Bitte prüfen und aktualisieren Sie Ihre Sicherheitsfragen.
update = Aktualisieren
updated-terms = Wir haben unsere Nutzungsbedingungen geändert
updated-terms-lead = Um fortzufahren, müssen Sie den geänderten Nutzungsbedingungen zustimmen.
accept = Zustimmen
add-telephone = Geben Sie Ihre Telefonnummer an
add-telephone-lead = Damit können wir Ihre Identität besser prüfen.
skip = Jetzt nicht

# A mailed link was opened.
link-title = Noch ein Schritt
link-lead-reset = Sie haben den Link aus unserer E‑Mail geöffnet. Gehen Sie weiter, um ein neues Passwort zu wählen.
link-lead-registration = Sie haben den Link aus unserer E‑Mail geöffnet. Gehen Sie weiter, um Ihre Adresse zu bestätigen und das Konto zu erstellen.
link-lead-other = Sie haben den Link aus unserer E‑Mail geöffnet. Gehen Sie weiter, um zu bestätigen, dass Sie es waren.
link-code = Der Link enthält keinen Code. Geben Sie den aus der E‑Mail ein.

# The end.
ended-title = Erledigt
ended-reset-title = Ihr Passwort ist geändert
ended-reset-lead = Sie können sich jetzt mit dem neuen Passwort anmelden. Wir haben Ihnen dazu eine E‑Mail gesendet.
ended-username-title = Ihr Benutzername
ended-username-lead = Ihr Benutzername lautet
ended-mailed-title = Sehen Sie in Ihr E‑Mail-Postfach
ended-mailed-lead = Wenn wir die Adresse kennen, haben wir den Benutzernamen dorthin gesendet.
ended-registration-title = Ihr Konto ist bereit
ended-registration-lead = Sie können sich jetzt anmelden.
ended-lead = Sie haben alles abgeschlossen.
ended-nothing-title = Es ist nichts zu tun
ended-nothing-lead = Hier wird nichts von Ihnen benötigt.
ended-next = Weiter

# A link whose address holds everything behind a #.
mail-code-title = Link aus einer E‑Mail
mail-code-lead = Kopieren Sie den ganzen Link aus der E‑Mail, und fügen Sie ihn hier ein.
mail-code-begun = Haben Sie in diesem Browser begonnen? Dann gehen Sie zu der Seite zurück, auf der Sie begonnen haben, und geben Sie dort den Code ein.
link-from-mail = Link aus der E‑Mail
