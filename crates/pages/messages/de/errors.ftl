# At a field.
error-missing = Bitte ausfüllen
error-choice-missing = Bitte auswählen
error-too-long = Das ist zu lang
error-characters = Einige dieser Zeichen sind nicht möglich. Tippen Sie es neu ein
error-no-number = Das muss eine Zahl sein
error-no-json = Das ist nicht lesbar. Es muss JSON sein
error-code-missing = Geben Sie den Code aus der E‑Mail ein
error-code-wrong = Dieser Code ist falsch oder zu alt. Nehmen Sie den aus der neuesten E‑Mail
error-password-missing = Geben Sie ein Passwort ein
error-current-password-missing = Geben Sie Ihr aktuelles Passwort ein
error-current-password-wrong = Das ist nicht Ihr aktuelles Passwort
error-confirm-first = Zeigen Sie zuerst, dass Sie es sind
error-no-mail-address = Geben Sie eine E‑Mail-Adresse ein, zum Beispiel name@example.com
error-mail-mismatch = Das ist eine andere Adresse als die, die Sie vorher angegeben haben
error-question-missing = Wählen Sie eine Frage
error-own-question-missing = Geben Sie Ihre Frage ein
error-question-twice = Diese Frage haben Sie schon gewählt. Wählen Sie eine andere
error-question-listed = Diese Frage steht in der Liste. Wählen Sie sie dort, oder stellen Sie eine andere
error-answer-missing = Geben Sie die Antwort ein
error-answers-wrong = Die Antworten stimmen nicht mit Ihren früheren überein
error-agreement-missing = Setzen Sie den Haken, um fortzufahren
error-captcha-missing = Lösen Sie das Captcha
error-captcha-wrong = Das Captcha wurde nicht gelöst. Versuchen Sie es noch einmal
error-no-account = Wir finden dieses Konto nicht
error-no-account-name = Geben Sie ein, womit Sie sich anmelden
error-link-missing = Fügen Sie den Link aus der E‑Mail ein
error-no-link = Das ist kein Link aus einer unserer E‑Mails. Kopieren Sie ihn vollständig

# At the whole form.
error-sign-in = Benutzername oder Passwort ist falsch
error-old-form = Diese Seite war zu lange geöffnet. Prüfen Sie Ihre Eingaben, und senden Sie sie noch einmal
error-something-missing = Etwas fehlt. Füllen Sie alles aus, was nötig ist
error-too-long-in-all = Das ist zu viel Text. Kürzen Sie ihn
error-too-many = { $minutes ->
    [one] Zu viele Versuche. Versuchen Sie es in einer Minute noch einmal
   *[other] Zu viele Versuche. Versuchen Sie es in { $minutes } Minuten noch einmal
}
error-busy = Der Server ist ausgelastet. Versuchen Sie es gleich noch einmal
error-unknown = Das hat nicht geklappt. Prüfen Sie Ihre Eingaben

# What policies ask.
policy-REQUIRED = Bitte ausfüllen
policy-NOT_NULL = Bitte ausfüllen
policy-UNIQUE = Das ist schon vergeben. Wählen Sie etwas anderes
policy-VALID_USERNAME = Dieser Name ist nicht möglich. Wählen Sie einen anderen
policy-MIN_LENGTH = { $minLength ->
    [one] Mindestens ein Zeichen
   *[other] Mindestens { $minLength } Zeichen
}
policy-MAX_LENGTH = { $maxLength ->
    [one] Höchstens ein Zeichen
   *[other] Höchstens { $maxLength } Zeichen
}
policy-AT_LEAST_X_CAPITAL_LETTERS = { $numCaps ->
    [one] Mindestens ein Großbuchstabe
   *[other] Mindestens { $numCaps } Großbuchstaben
}
policy-AT_LEAST_X_NUMBERS = { $numNums ->
    [one] Mindestens eine Ziffer
   *[other] Mindestens { $numNums } Ziffern
}
policy-CANNOT_CONTAIN_OTHERS = Enthält nicht Ihren Namen, Ihren Benutzernamen oder Ihre Adresse
policy-CANNOT_CONTAIN_CHARACTERS = Keines dieser Zeichen: { $forbiddenChars }
policy-CANNOT_CONTAIN_DUPLICATES = Nichts doppelt
policy-VALID_EMAIL_ADDRESS_FORMAT = Geben Sie eine E‑Mail-Adresse ein, zum Beispiel name@example.com
policy-VALID_PHONE_FORMAT = Geben Sie eine Telefonnummer ein, zum Beispiel +44 808 157 0192
policy-VALID_NAME_FORMAT = Geben Sie einen Namen ein. Manche Zeichen sind nicht erlaubt
policy-VALID_DATE = Geben Sie ein Datum ein
policy-VALID_FORMATTED_DATE = Geben Sie ein Datum ein
policy-VALID_DATETIME = Geben Sie Datum und Uhrzeit ein
policy-VALID_TIME = Geben Sie eine Uhrzeit ein
policy-VALID_DURATION = Geben Sie eine Dauer ein
policy-VALID_NUMBER = Das muss eine Zahl sein
policy-VALID_TYPE = Diese Art von Wert passt hier nicht
policy-VALID_ARRAY_ITEMS = Einer dieser Werte passt hier nicht
policy-VALID_QUERY_FILTER = Das ist kein gültiger Filter
policy-MATCH_REGEXP = Das hat nicht die richtige Form
policy-ENUM_VALUE = Wählen Sie einen der angebotenen Werte
policy-IS_NEW = Keines Ihrer früheren Passwörter
policy-MINIMUM_NUMBER_VALUE = Das ist zu klein
policy-MAXIMUM_NUMBER_VALUE = Das ist zu groß
policy-PASSWORD_BLACKLISTED = Kein Passwort, das viele benutzen
policy-DICTIONARY = Kein Wort aus dem Wörterbuch
policy-LENGTH_BASED = Ein Passwort der richtigen Länge
policy-REPEATED_CHARACTERS = Nicht mehrmals dasselbe Zeichen
policy-CHARACTER_SET = Zeichen verschiedener Art
policy-other = Ein Wert, den dieser Dienst annimmt

# Dead ends.
end-not-found-title = Seite nicht gefunden
end-not-found-lead = Prüfen Sie die Adresse, oder gehen Sie zur Startseite.
end-unreadable-title = Diese Adresse ist nicht lesbar
end-unreadable-lead = Vielleicht ist sie unvollständig. Kopieren Sie den ganzen Link aus der E‑Mail, oder gehen Sie zur Startseite.
end-forbidden-title = Kein Zugriff
end-forbidden-lead = Mit Ihrem Konto dürfen Sie diese Seite nicht ansehen.
end-off-title = Das ist nicht verfügbar
end-off-lead = Dieser Dienst bietet das derzeit nicht an.
end-expired-title = Dieser Link ist abgelaufen
end-expired-lead = Zu Ihrer Sicherheit gilt er nur kurze Zeit. Sie können von vorn beginnen.
end-used-title = Das ist schon erledigt
end-used-lead = Es wurde hier, in einem anderen Fenster oder auf einem anderen Gerät abgeschlossen. Ein Link funktioniert nur einmal.
end-foreign-title = Dieser Link ist ungültig
end-foreign-lead = Vielleicht ist er unvollständig, oder er gehört zu etwas anderem. Kopieren Sie den ganzen Link aus der E‑Mail, oder fordern Sie einen neuen an.
end-changed-title = Hier hat sich etwas geändert
end-changed-lead = Der Dienst wurde geändert, seit Sie begonnen haben. Bitte beginnen Sie von vorn.
end-forgotten-title = Bitte beginnen Sie von vorn
end-forgotten-lead = Diese Seite gehört zu einem anderen Browser oder war zu lange geöffnet.
end-too-many-title = Zu viele Versuche
end-too-many-lead = { $minutes ->
    [one] Bitte versuchen Sie es in einer Minute noch einmal.
   *[other] Bitte versuchen Sie es in { $minutes } Minuten noch einmal.
}
end-busy-title = Der Server ist ausgelastet
end-busy-lead = Bitte versuchen Sie es gleich noch einmal. Es ist nichts verloren gegangen.
end-old-form-title = Diese Seite war zu lange geöffnet
end-old-form-lead = Es wurde nichts geändert. Gehen Sie zurück, laden Sie die Seite neu, und versuchen Sie es noch einmal.
end-too-large-title = Das ist zu viel Text
end-too-large-lead = Es wurde nichts geändert. Gehen Sie zurück: Ihre Eingaben sind noch da. Kürzen Sie den Text, und senden Sie ihn noch einmal.
end-method-title = Das kann diese Seite nicht
end-method-lead = Seiten werden abgerufen, und Formulare werden gesendet. Es wurde nichts geändert.
end-type-title = Das kann diese Seite nicht
end-type-lead = Sie nimmt nur Formulare an. Es wurde nichts geändert.
end-conflict-title = Inzwischen hat sich etwas geändert
end-conflict-lead = Jemand hat dasselbe geändert – vielleicht Sie in einem anderen Fenster. Prüfen Sie es, und versuchen Sie es noch einmal.
end-failed-title = Etwas ist schiefgegangen
end-failed-lead = Das liegt an uns, und es wurde festgehalten. Bitte versuchen Sie es später noch einmal.
end-again = Neuen Link senden
end-begin-again = Von vorn beginnen
end-home = Zur Startseite
