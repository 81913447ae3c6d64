# The account of somebody who is signed in.
account-title = Your account
account-hello = Hello { $name }
account-ways = What you can do
account-owed-lead = { $count ->
    [one] Before you go on, one thing needs your attention.
   *[other] Before you go on, { $count } things need your attention.
}
account-no-profile = This account belongs to the service itself. It has no profile to change here.
account-complete = Your profile is { $percent }% complete
account-missing = You can still add:
profile = Profile
profile-about = Your name, your address, your preferences.
password-about = Choose a new one.
sessions = Where you are signed in
sessions-about = See your devices, and sign out on any you do not recognise.
notifications = Notifications
notifications-about = { $count ->
    [0] You have no notifications.
    [one] You have one notification.
   *[other] You have { $count } notifications.
}
back-to-profile = Back to your profile
personal = Personal details
change-personal = Change your personal details
change-mail = Change your email address
safety = Security
change-password = Change your password
change-questions = Change your security questions
change-preferences = Change your preferences
your-data = Your data
download = Download your data
delete-account = Delete your account
switched-on = Yes
switched-off = No
nothing = Not given
current-password = Current password
new-mail = New email address
mail-pending = We have sent an email to { $mail }. The new address takes effect when you open the link in it or enter its code.
mail-code-hint = The code in the email to the new address
mail-confirm = Confirm the new address
mail-cancel = Keep the current address
mail-other = Use another address

# Forms.
edit-personal-title = Your personal details
edit-mail-title = Your email address
edit-mail-lead = We will send an email to the new address. It takes effect when you have confirmed it.
edit-password-title = Change your password
edit-password-lead = When you save it, you are signed out everywhere else.
set-password = Set a password
confirm-lead = Your account has no password. Show once more that it is you, then you can go on.
confirm-with = Confirm with { $name }
confirm-by-mail = Set a password with an email instead
confirm-none = Your account has no password, and there is no way here to show that it is you. Ask whoever runs this service.
confirm-done = You have shown that it is you. This counts for five minutes.
edit-questions-title = Your security questions
edit-questions-lead = We ask them if you forget your password. The new questions replace the old ones.
edit-preferences-title = Your preferences
edit-delete-title = Delete your account
edit-delete-lead = The account and everything in it will be deleted. This cannot be undone.
edit-delete-button = Delete the account

# What was done.
done-personal = Your personal details are saved.
done-mail = We have sent an email to the new address. Open the link in it to confirm the address.
done-mail-confirmed = Your new address is confirmed.
done-mail-cancelled = Your address stays as it is.
done-password = Your password is changed.
done-questions = Your security questions are saved.
done-preferences = Your preferences are saved.
done-consent = Your choice is saved.

# Sessions.
sessions-lead = Is there one you do not recognise? End it, and change your password.
session-from = From
session-since = Signed in
session-used = Last used
session-ended = You are signed out there.
this-session = This session
unknown-browser = Unknown browser
end-session = End this session
end-others = End all other sessions

# Notifications.
no-notifications = You have no notifications.
dismiss = Dismiss
dismiss-all = Dismiss all
notice-password = Your password was changed.
notice-profile = Your profile was changed.

# Sharing of data.
sharing = Sharing your data
sharing-lead = We share your data only where you agree.
sharing-fields = What is shared:
sharing-comma = { ", " }
sharing-since = You agreed on
sharing-not = You have not agreed.
sharing-begin = Agree
sharing-end = Stop sharing
sharing-none = Your data is not shared with anyone.
