# Mails of our own, as plain text. Each has a subject and a body; a project's emailTemplate-<name>.json stands before it.
letter-noticePasswordChanged-subject = Ihr Passwort wurde geändert
letter-noticePasswordChanged-body =
    Das Passwort Ihres Kontos wurde soeben geändert.

    Wenn Sie das waren, müssen Sie nichts tun.

    Wenn Sie das nicht waren, hat sich vielleicht jemand Zugang zu Ihrem Konto oder Ihrem Postfach verschafft: Wählen Sie sofort ein neues Passwort, und verständigen Sie Ihre Administration.
letter-noticeQuestionsChanged-subject = Ihre Sicherheitsfragen wurden geändert
letter-noticeQuestionsChanged-body =
    Die Sicherheitsfragen Ihres Kontos wurden soeben geändert.

    Wenn Sie das waren, müssen Sie nichts tun.

    Wenn Sie das nicht waren, ändern Sie sofort Ihr Passwort, und verständigen Sie Ihre Administration.
# Values: $providers are the names of identity providers.
letter-noticeLinksEnded-subject = Die Anmeldung mit einem anderen Anbieter wurde beendet
letter-noticeLinksEnded-body =
    Ihr Passwort wurde von jemandem gesetzt, der dieses Postfach liest. Bis dahin hatte niemand gezeigt, dass diese E-Mail-Adresse zu dem Konto gehört. Was bis dahin mit ihm verknüpft war, ist es deshalb nicht mehr: { $providers }

    Wenn Sie sich wieder damit anmelden möchten, melden Sie sich mit Ihrem Passwort an und verknüpfen Sie es noch einmal.

    Wenn Sie das Passwort nicht gesetzt haben, ändern Sie es sofort, und verständigen Sie Ihre Administration.
# Values: $browser is what the browser calls itself, $address is an IP address.
letter-noticeNewDevice-subject = Eine neue Anmeldung an Ihrem Konto
letter-noticeNewDevice-body =
    Jemand hat sich mit einem bisher nicht benutzten Browser an Ihrem Konto angemeldet.

    Browser: { $browser }
    Adresse: { $address }
    Zeit: { $time }

    Wenn Sie das waren, müssen Sie nichts tun.

    Wenn Sie das nicht waren, ändern Sie sofort Ihr Passwort: Das beendet alle anderen Sitzungen.
# To a new address.
letter-mailConfirm-subject = Bestätigen Sie Ihre neue E-Mail-Adresse
letter-mailConfirm-body =
    Jemand möchte diese Adresse für ein Konto verwenden. Sie gilt, sobald Sie sie bestätigen:

    { $link }

    Oder geben Sie diesen Code dort ein, wo Sie die Änderung beantragt haben: { $code }

    Wenn Sie das nicht waren, müssen Sie nichts tun: Ohne Bestätigung ändert sich nichts.
# To the old address. Values: $new is the new one.
letter-mailRequested-subject = Ihre E-Mail-Adresse soll geändert werden
letter-mailRequested-body =
    Jemand möchte die E-Mail-Adresse Ihres Kontos in { $new } ändern. Ihre bisherige Adresse gilt, bis die neue bestätigt ist.

    Wenn Sie das waren, müssen Sie nichts tun.

    Wenn Sie das nicht waren, behalten Sie Ihre Adresse mit dem folgenden Link, und ändern Sie danach Ihr Passwort. Der Link gilt eine Woche, auch nach der Änderung:

    { $link }
letter-mailChanged-subject = Ihre E-Mail-Adresse wurde geändert
letter-mailChanged-body =
    Die E-Mail-Adresse Ihres Kontos wurde soeben in { $new } geändert.

    Wenn Sie das waren, müssen Sie nichts tun.

    Wenn Sie das nicht waren, holen Sie Ihre bisherige Adresse mit dem folgenden Link zurück, und ändern Sie danach Ihr Passwort. Der Link gilt eine Woche:

    { $link }
# To the owner of an address that somebody tried to register with.
letter-noticeAccountExists-subject = Sie haben bereits ein Konto
letter-noticeAccountExists-body =
    Jemand wollte sich mit dieser E-Mail-Adresse registrieren. Für sie gibt es bereits ein Konto, deshalb wurde kein neues erstellt.

    Wenn Sie das waren, melden Sie sich mit Ihrem Konto an. Wenn Sie Ihr Passwort oder Ihren Benutzernamen vergessen haben, hilft die Anmeldeseite weiter.

    Wenn Sie das nicht waren, müssen Sie nichts tun.

# To the owner of an account that somebody claims who comes from an identity provider.
letter-claimCode-subject = Ihr Code
letter-claimCode-body =
    Jemand hat sich mit { $provider } angemeldet und möchte sich damit künftig bei Ihrem Konto hier anmelden. Wenn Sie das sind, geben Sie diesen Code ein:

    { $code }

    Wenn Sie das nicht waren, müssen Sie nichts tun. Geben Sie den Code nicht weiter: Wer ihn hat, kann sich als Sie anmelden.
letter-noticeClaimUnconfirmed-subject = Bestätigen Sie zuerst Ihre E-Mail-Adresse
letter-noticeClaimUnconfirmed-body =
    Jemand hat sich mit { $provider } angemeldet und möchte sich damit künftig bei Ihrem Konto hier anmelden. Diese E-Mail-Adresse wurde noch nie bestätigt, deshalb kann noch kein Code an sie gesendet werden.

    Wenn Sie das waren, setzen Sie auf der Anmeldeseite Ihr Passwort zurück. Das bestätigt die Adresse, danach können die Konten verknüpft werden.

    Wenn Sie das nicht waren, müssen Sie nichts tun.

# The page behind the links that confirm or undo a new address.
mail-link-title = E-Mail-Adresse
mail-link-confirm = Diese E-Mail-Adresse für Ihr Konto verwenden?
mail-link-confirm-button = Bestätigen
mail-link-confirmed = Ihre E-Mail-Adresse wurde geändert
mail-link-undo = Ihre E-Mail-Adresse behalten?
mail-link-undo-button = Behalten
mail-link-undone = Ihre E-Mail-Adresse bleibt, wie sie war
mail-link-undone-next = Alle Sitzungen Ihres Kontos wurden beendet. Ändern Sie jetzt Ihr Passwort.
mail-link-invalid = Dieser Link gilt nicht mehr
mail-link-invalid-lead = Ein Link aus einer E-Mail funktioniert einmal und einen Tag lang.
