# The account of somebody who is signed in.
account-title = Ihr Konto
account-hello = Guten Tag, { $name }
account-ways = Was Sie tun können
account-owed-lead = { $count ->
    [one] Bevor es weitergeht, ist noch ein Schritt nötig.
   *[other] Bevor es weitergeht, sind noch { $count } Schritte nötig.
}
account-no-profile = Dieses Konto gehört zum Dienst selbst. Es hat kein Profil, das Sie hier ändern könnten.
account-complete = Ihr Profil ist zu { $percent } % vollständig
account-missing = Sie können noch ergänzen:
profile = Profil
profile-about = Ihr Name, Ihre Adresse, Ihre Einstellungen.
password-about = Wählen Sie ein neues.
sessions = Wo Sie angemeldet sind
sessions-about = Sehen Sie Ihre Geräte, und melden Sie sich auf unbekannten ab.
notifications = Mitteilungen
notifications-about = { $count ->
    [0] Sie haben keine Mitteilungen.
    [one] Sie haben eine Mitteilung.
   *[other] Sie haben { $count } Mitteilungen.
}
back-to-profile = Zurück zu Ihrem Profil
personal = Persönliche Angaben
change-personal = Persönliche Angaben ändern
change-mail = E‑Mail-Adresse ändern
safety = Sicherheit
change-password = Passwort ändern
change-questions = Sicherheitsfragen ändern
change-preferences = Einstellungen ändern
your-data = Ihre Daten
download = Ihre Daten herunterladen
delete-account = Konto löschen
switched-on = Ja
switched-off = Nein
nothing = Keine Angabe
current-password = Aktuelles Passwort
new-mail = Neue E‑Mail-Adresse
mail-pending = Wir haben eine E‑Mail an { $mail } gesendet. Die neue Adresse gilt, sobald Sie den Link darin öffnen oder den Code eingeben.
mail-code-hint = Der Code aus der E‑Mail an die neue Adresse
mail-confirm = Neue Adresse bestätigen
mail-cancel = Bisherige Adresse behalten
mail-other = Eine andere Adresse verwenden

# Forms.
edit-personal-title = Ihre persönlichen Angaben
edit-mail-title = Ihre E‑Mail-Adresse
edit-mail-lead = Wir senden eine E‑Mail an die neue Adresse. Sie gilt, sobald Sie sie bestätigt haben.
edit-password-title = Passwort ändern
edit-password-lead = Wenn Sie es speichern, werden Sie überall sonst abgemeldet.
set-password = Passwort festlegen
confirm-lead = Ihr Konto hat kein Passwort. Zeigen Sie noch einmal, dass Sie es sind, dann geht es weiter.
confirm-with = Mit { $name } bestätigen
confirm-by-mail = Stattdessen ein Passwort über eine E-Mail festlegen
confirm-none = Ihr Konto hat kein Passwort, und hier können Sie nicht zeigen, dass Sie es sind. Wenden Sie sich an die Betreiber dieses Dienstes.
confirm-done = Sie haben gezeigt, dass Sie es sind. Das gilt fünf Minuten lang.
edit-questions-title = Ihre Sicherheitsfragen
edit-questions-lead = Wir stellen sie Ihnen, wenn Sie Ihr Passwort vergessen haben. Die neuen Fragen ersetzen die bisherigen.
edit-preferences-title = Ihre Einstellungen
edit-delete-title = Konto löschen
edit-delete-lead = Das Konto und alles darin wird gelöscht. Das lässt sich nicht rückgängig machen.
edit-delete-button = Konto löschen

# What was done.
done-personal = Ihre persönlichen Angaben sind gespeichert.
done-mail = Wir haben eine E‑Mail an die neue Adresse gesendet. Öffnen Sie den Link darin, um die Adresse zu bestätigen.
done-mail-confirmed = Ihre neue E‑Mail-Adresse ist bestätigt.
done-mail-cancelled = Ihre E‑Mail-Adresse bleibt, wie sie ist.
done-password = Ihr Passwort ist geändert.
done-questions = Ihre Sicherheitsfragen sind gespeichert.
done-preferences = Ihre Einstellungen sind gespeichert.
done-consent = Ihre Auswahl ist gespeichert.

# Sessions.
sessions-lead = Eine davon kennen Sie nicht? Beenden Sie sie, und ändern Sie Ihr Passwort.
session-from = Von
session-since = Angemeldet seit
session-used = Zuletzt benutzt
session-ended = Sie sind dort abgemeldet.
this-session = Diese Sitzung
unknown-browser = Unbekannter Browser
end-session = Diese Sitzung beenden
end-others = Alle anderen Sitzungen beenden

# Notifications.
no-notifications = Sie haben keine Mitteilungen.
dismiss = Entfernen
dismiss-all = Alle entfernen
notice-password = Ihr Passwort wurde geändert.
notice-profile = Ihr Profil wurde geändert.

# Sharing of data.
sharing = Weitergabe Ihrer Daten
sharing-lead = Wir geben Ihre Daten nur weiter, wo Sie zugestimmt haben.
sharing-fields = Weitergegeben werden:
sharing-comma = { ", " }
sharing-since = Sie haben zugestimmt am
sharing-not = Sie haben nicht zugestimmt.
sharing-begin = Zustimmen
sharing-end = Weitergabe beenden
sharing-none = Ihre Daten werden an niemanden weitergegeben.
