# Mails of our own, as plain text. Each has a subject and a body; a project's emailTemplate-<name>.json stands before it.
letter-noticePasswordChanged-subject = Your password was changed
letter-noticePasswordChanged-body =
    The password of your account was changed just now.

    If it was you, there is nothing to do.

    If it was not you, someone may have got into your account or your mailbox: choose a new password at once and tell your administrator.
letter-noticeQuestionsChanged-subject = Your security questions were changed
letter-noticeQuestionsChanged-body =
    The security questions of your account were changed just now.

    If it was you, there is nothing to do.

    If it was not you, change your password at once and tell your administrator.
# Values: $providers are the names of identity providers.
letter-noticeLinksEnded-subject = Sign-in with another provider was ended
letter-noticeLinksEnded-body =
    Your password was set by someone who reads this mailbox. Nobody had shown before that this email address belongs to the account, so whatever was linked to it until then is linked no more: { $providers }

    If you want to sign in with it again, sign in with your password and link it once more.

    If you did not set the password, change it at once and tell your administrator.
# Values: $browser is what the browser calls itself, $address is an IP address.
letter-noticeNewDevice-subject = A new sign-in to your account
letter-noticeNewDevice-body =
    Someone signed in to your account from a browser that was not used before.

    Browser: { $browser }
    Address: { $address }
    Time: { $time }

    If it was you, there is nothing to do.

    If it was not you, change your password at once: that ends all other sessions.
# To a new address.
letter-mailConfirm-subject = Confirm your new email address
letter-mailConfirm-body =
    Someone asked to use this address for an account. The change takes effect as soon as you confirm it:

    { $link }

    Or enter this code where you asked for the change: { $code }

    If it was not you, there is nothing to do: nothing changes without confirmation.
# To the old address. Values: $new is the new one.
letter-mailRequested-subject = Someone asked to change your email address
letter-mailRequested-body =
    Someone asked to change the email address of your account to { $new }. This address stays in use until the new one is confirmed.

    If it was you, there is nothing to do.

    If it was not you, keep this address with the following link, and then change your password. The link works for a week, even after the change:

    { $link }
letter-mailChanged-subject = Your email address was changed
letter-mailChanged-body =
    The email address of your account was changed to { $new } just now.

    If it was you, there is nothing to do.

    If it was not you, take this address back with the following link, and then change your password. The link works for a week:

    { $link }
# To the owner of an address that somebody tried to register with.
letter-noticeAccountExists-subject = You already have an account
letter-noticeAccountExists-body =
    Someone tried to register with this email address. There is an account for it already, so no new one was created.

    If it was you, sign in with your account. If you have forgotten your password or your user name, ask for it on the sign-in page.

    If it was not you, there is nothing to do.

# To the owner of an account that somebody claims who comes from an identity provider.
letter-claimCode-subject = Your code
letter-claimCode-body =
    Someone who signed in with { $provider } wants to use that to sign in to your account here. If it is you, enter this code:

    { $code }

    If it was not you, there is nothing to do. Do not pass the code on: whoever has it can sign in as you.
letter-noticeClaimUnconfirmed-subject = Confirm your email address first
letter-noticeClaimUnconfirmed-body =
    Someone who signed in with { $provider } wants to use that to sign in to your account here. This email address has never been confirmed, so no code can be sent to it yet.

    If it was you, reset your password on the sign-in page. That confirms the address, and after it the accounts can be linked.

    If it was not you, there is nothing to do.

# The page behind the links that confirm or undo a new address.
mail-link-title = Email address
mail-link-confirm = Use this email address for your account?
mail-link-confirm-button = Confirm
mail-link-confirmed = Your email address has been changed
mail-link-undo = Keep your email address?
mail-link-undo-button = Keep it
mail-link-undone = Your email address stays as it was
mail-link-undone-next = All sessions of your account have been ended. Change your password now.
mail-link-invalid = This link is no longer valid
mail-link-invalid-lead = A link in an email works once, and for a day.
