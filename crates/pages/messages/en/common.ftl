# What every page says. Values: $name is the name of the person or the service, as the sentence says.
language-name = English
service = Your account
skip-to-content = Skip to the content
sign-in = Sign in
sign-out = Sign out
create-account = Create an account
forgotten-password = Forgotten your password?
forgotten-user-name = Forgotten your user name?
continue = Continue
save = Save
back-to-account = Back to your account
optional-mark = (optional)
error-prefix = Error:
summary-colon = { ": " }
there-is-a-problem = There is a problem
language = Language
language-loses = What you typed on this page will be gone. Change the language?
footer = Links
user-name = User name
password = Password
new-password = New password
show-password = Show
hide-password = Hide
show-password-of = Show password
hide-password-of = Hide password
password-rules = Rules for your password:
rule-met = Met
rule-open = Not yet met
rule-later = checked when you save
strength = Strength:
strength-0 = Very weak
strength-1 = Weak
strength-2 = Fair
strength-3 = Good
strength-4 = Strong

# Properties that projects leave as they usually are.
property-userName = User name
property-givenName = First name
property-sn = Last name
property-mail = Email address
property-description = Description
property-displayName = Display name
property-telephoneNumber = Telephone number
property-postalAddress = Street address
property-city = Town or city
property-postalCode = Postal code
property-country = Country
property-stateProvince = State or province

# The first page.
landing-title = Welcome
landing-lead = Sign in to see or change your account, or create a new one.
landing-help = Trouble signing in?
landing-code = Enter the link from an email
landing-fragment = If a link in an email brought you here, please enter that link once more.
landing-others = More services

# Signing in.
sign-in-title = Sign in
signed-out = You have signed out.
session-over = You have been signed out. Sign in again to go on.

# Signed in already.
already-title = You are signed in
already-lead = You are signed in as { $name }. To continue, sign out first.
already-password = If you want a new password, you can change it in your account.
already-change-password = Change your password
already-sign-out = Sign out and continue
already-account = Go to your account
