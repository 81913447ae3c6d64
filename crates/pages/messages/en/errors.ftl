# At a field.
error-missing = Fill this in
error-choice-missing = Choose one
error-too-long = This is too long
error-characters = Some of these characters cannot be used. Type it again
error-no-number = This must be a number
error-no-json = This cannot be read. It must be JSON
error-code-missing = Enter the code from the email
error-code-wrong = This code is wrong or too old. Use the one from the latest email
error-password-missing = Enter a password
error-current-password-missing = Enter your current password
error-current-password-wrong = This is not your current password
error-confirm-first = Show first that it is you
error-no-mail-address = Enter an email address, like name@example.com
error-mail-mismatch = This is not the address you gave before
error-question-missing = Choose a question
error-own-question-missing = Enter your question
error-question-twice = You chose this question already. Choose another
error-question-listed = This question is in the list. Choose it there, or ask something else
error-answer-missing = Enter the answer
error-answers-wrong = These answers are not the ones you gave before
error-agreement-missing = Tick the box to continue
error-captcha-missing = Solve the captcha
error-captcha-wrong = The captcha was not solved. Try again
error-no-account = We cannot find this account
error-no-account-name = Enter what you sign in with
error-link-missing = Paste the link from the email
error-no-link = This is not a link from one of our emails. Copy the whole link

# At the whole form.
error-sign-in = The user name or the password is wrong
error-old-form = This page was open for too long. Check what you entered, and send it again
error-something-missing = Something is missing. Fill in everything that is needed
error-too-long-in-all = This is too much text. Shorten it
error-too-many = { $minutes ->
    [one] Too many attempts. Try again in a minute
   *[other] Too many attempts. Try again in { $minutes } minutes
}
error-busy = The server is busy. Try again in a moment
error-unknown = That did not work. Check what you entered

# What policies ask.
policy-REQUIRED = Fill this in
policy-NOT_NULL = Fill this in
policy-UNIQUE = This is already taken. Choose another
policy-VALID_USERNAME = This name cannot be used. Choose another
policy-MIN_LENGTH = { $minLength ->
    [one] At least one character
   *[other] At least { $minLength } characters
}
policy-MAX_LENGTH = { $maxLength ->
    [one] One character at most
   *[other] { $maxLength } characters at most
}
policy-AT_LEAST_X_CAPITAL_LETTERS = { $numCaps ->
    [one] At least one capital letter
   *[other] At least { $numCaps } capital letters
}
policy-AT_LEAST_X_NUMBERS = { $numNums ->
    [one] At least one digit
   *[other] At least { $numNums } digits
}
policy-CANNOT_CONTAIN_OTHERS = Does not contain your name, user name or address
policy-CANNOT_CONTAIN_CHARACTERS = None of these characters: { $forbiddenChars }
policy-CANNOT_CONTAIN_DUPLICATES = No duplicates
policy-VALID_EMAIL_ADDRESS_FORMAT = Enter an email address, like name@example.com
policy-VALID_PHONE_FORMAT = Enter a telephone number, like +44 808 157 0192
policy-VALID_NAME_FORMAT = Enter a name. Some characters are not allowed
policy-VALID_DATE = Enter a date
policy-VALID_FORMATTED_DATE = Enter a date
policy-VALID_DATETIME = Enter a date and a time
policy-VALID_TIME = Enter a time
policy-VALID_DURATION = Enter a duration
policy-VALID_NUMBER = This must be a number
policy-VALID_TYPE = This is the wrong kind of value
policy-VALID_ARRAY_ITEMS = One of these is the wrong kind of value
policy-VALID_QUERY_FILTER = This is not a valid filter
policy-MATCH_REGEXP = This does not have the right form
policy-ENUM_VALUE = Choose one of the values offered
policy-IS_NEW = Not a password you had before
policy-MINIMUM_NUMBER_VALUE = This is too small
policy-MAXIMUM_NUMBER_VALUE = This is too large
policy-PASSWORD_BLACKLISTED = Not a password that many people use
policy-DICTIONARY = Not a word from a dictionary
policy-LENGTH_BASED = A password of the right length
policy-REPEATED_CHARACTERS = Not the same character many times
policy-CHARACTER_SET = Characters of different kinds
policy-other = A value that this service accepts

# Dead ends.
end-not-found-title = Page not found
end-not-found-lead = Check the address, or go to the home page.
end-unreadable-title = This address cannot be read
end-unreadable-lead = It may have been cut off, or changed on its way. Copy the whole link from the email, or go to the home page.
end-forbidden-title = You do not have access
end-forbidden-lead = Your account is not allowed to see this page.
end-off-title = This is not available
end-off-lead = This service does not offer it at the moment.
end-expired-title = This link has expired
end-expired-lead = For your security, it works for a short time only. You can begin again.
end-used-title = This is already done
end-used-lead = It was completed here, in another window or on another device. A link can be used only once.
end-foreign-title = This link is not valid
end-foreign-lead = It may have been cut off, or it belongs to something else. Copy the whole link from the email, or ask for a new one.
end-changed-title = This service has changed
end-changed-lead = It was changed after you began. Please begin again.
end-forgotten-title = Please begin again
end-forgotten-lead = This page belongs to another browser, or it was open for too long.
end-too-many-title = Too many attempts
end-too-many-lead = { $minutes ->
    [one] Please come back in a minute.
   *[other] Please come back in { $minutes } minutes.
}
end-busy-title = The server is busy
end-busy-lead = Please try again in a moment. Nothing was lost.
end-old-form-title = This page was open for too long
end-old-form-lead = Nothing was changed. Go back, reload the page and try again.
end-too-large-title = That is too much text
end-too-large-lead = Nothing was changed. Go back: what you entered is still there. Shorten it and send it again.
end-method-title = This page cannot do that
end-method-lead = Pages can be read, and forms can be sent. Nothing was changed.
end-type-title = This page cannot do that
end-type-lead = It accepts forms and nothing else. Nothing was changed.
end-conflict-title = This has changed in the meantime
end-conflict-lead = Someone, perhaps you in another window, changed the same details. Check them and try again.
end-failed-title = Something went wrong
end-failed-lead = This is our fault, and it has been recorded. Please try again later.
end-again = Send me a new link
end-begin-again = Begin again
end-home = Go to the home page
