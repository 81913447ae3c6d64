# The names of the usual processes.
process-reset = Reset your password
process-registration = Create an account
process-username = Find your user name
process-profile = Complete your profile
process-kbaUpdate = Your security questions
process-termsAndConditions = Terms and conditions

# Finding an account.
user-name-or-mail = User name or email address
account-identifier = What you sign in with
stage-userQuery-title = Which account is it?
stage-userQuery-reset = We will send an email to the address of this account. Use the link in it to choose a new password.
stage-userQuery-username = We will send your user name to the address of this account.
stage-userQuery-other = Tell us which account this is about.

# The mailed code.
stage-emailValidation-title = Check your email
stage-emailValidation-mail-title = What is your email address?
stage-emailValidation-mail-lead = We will send a code to it, to make sure that it is yours.
stage-emailValidation-lead = If we know the address, an email is on its way. Open the link in it, or enter its code here.
stage-emailValidation-lead-registration = We have sent an email to the address you gave. Open the link in it, or enter its code here.
code = Code
code-hint = Eight digits, or the whole code from the email
again = Send the email again
again-lead = No email? It may take a minute. Look in your spam folder too.
sent-again = We have sent the email again.

# Security questions.
stage-kbaSecurityAnswerVerificationStage-title = Answer your security questions
stage-kbaSecurityAnswerVerificationStage-lead = You chose these questions. Upper and lower case make no difference.
stage-kbaSecurityAnswerDefinitionStage-title = Choose security questions
stage-kbaSecurityAnswerDefinitionStage-lead = We ask them if you forget your password. Choose what only you know.
security-question = { $count ->
    [one] Security question
   *[other] Security question { $number }
}
security-answer = Answer
own-question = A question of my own
own-question-text = Your question
only-own-question = (only for a question of your own)
answer = Answer

# The new password.
stage-resetStage-title = Choose a new password
stage-resetStage-lead = When you save it, you are signed out everywhere else.
stage-resetStage-button = Save the new password

# Registration.
stage-details-title = Create an account
stage-details-lead = Tell us who you are.
stage-details-button = Create the account
preferences = Preferences
preference-updates = Send me news and updates
preference-marketing = Send me special offers and services

# Terms, consent, captcha.
stage-termsAndConditions-title = Terms and conditions
terms = Terms and conditions
accept-terms = I have read and accept the terms and conditions
stage-consent-title = May we share your data?
consent-document = Sharing of your data
give-consent = I agree that my data is shared as described
stage-captcha-title = Are you a person?
captcha = Proof that you are a person
captcha-needs-script = This step needs JavaScript, because the service that does the check needs it.

# The profile.
complete-your-profile = Complete your profile
fill-in-what-is-missing = Please fill in what is missing.
update-questions = Update your security questions
update-questions-lead = Please review and update your security questions
update = Update
updated-terms = We have updated our terms
updated-terms-lead = You must accept the updated terms in order to proceed.
accept = Accept
add-telephone = Add your telephone number
add-telephone-lead = Help us verify your identity
skip = Not now

# A stage nobody here knows.

# A mailed link was opened.
link-title = One step left
link-lead-reset = You opened the link in our email. Continue to choose a new password.
link-lead-registration = You opened the link in our email. Continue to confirm your address and create the account.
link-lead-other = You opened the link in our email. Continue to confirm that it was you.
link-code = The link contains no code. Enter the one from the email.

# The end.
ended-title = Done
ended-reset-title = Your password is changed
ended-reset-lead = You can now sign in with the new password. We have sent you an email about it.
ended-username-title = Your user name
ended-username-lead = Your user name is
ended-mailed-title = Check your email
ended-mailed-lead = If we know the address, we have sent the user name to it.
ended-registration-title = Your account is ready
ended-registration-lead = You can now sign in.
ended-lead = You have completed this.
ended-nothing-title = There is nothing to do
ended-nothing-lead = Nothing is needed from you here.
ended-next = Continue

# A link whose address holds everything behind a #.
mail-code-title = The link from an email
mail-code-lead = Copy the whole link from the email and paste it here.
mail-code-begun = Did you begin in this browser? Then go back to the page you began on, and enter the code there.
link-from-mail = Link from the email
