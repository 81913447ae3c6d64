# At a field.
error-missing = Remplissez ce champ
error-choice-missing = Faites un choix
error-too-long = C’est trop long
error-characters = Certains de ces caractères ne sont pas acceptés. Saisissez à nouveau votre texte
error-no-number = Saisissez un nombre
error-no-json = Ce texte est illisible. Il doit être au format JSON
error-code-missing = Saisissez le code de l’e‑mail
error-code-wrong = Ce code est faux ou trop ancien. Utilisez celui du dernier e‑mail
error-password-missing = Saisissez un mot de passe
error-current-password-missing = Saisissez votre mot de passe actuel
error-current-password-wrong = Ce n’est pas votre mot de passe actuel
error-confirm-first = Montrez d’abord que c’est bien vous
error-no-mail-address = Saisissez une adresse e‑mail, par exemple nom@example.com
error-mail-mismatch = Cette adresse n’est pas celle que vous avez donnée auparavant
error-question-missing = Choisissez une question
error-own-question-missing = Saisissez votre question
error-question-twice = Vous avez déjà choisi cette question. Choisissez-en une autre
error-question-listed = Cette question est dans la liste. Choisissez-la, ou posez-en une autre
error-answer-missing = Saisissez la réponse
error-answers-wrong = Ces réponses ne sont pas celles que vous aviez données
error-agreement-missing = Cochez la case pour continuer
error-captcha-missing = Résolvez le captcha
error-captcha-wrong = Le captcha n’a pas été résolu. Réessayez
error-no-account = Nous ne trouvons pas ce compte
error-no-account-name = Saisissez votre identifiant de connexion
error-link-missing = Collez le lien de l’e‑mail
error-no-link = Ce lien ne vient pas de nos e‑mails. Copiez-le en entier

# At the whole form.
error-sign-in = Le nom d’utilisateur ou le mot de passe est incorrect
error-old-form = Cette page est restée ouverte trop longtemps. Vérifiez votre saisie et envoyez-la de nouveau
error-something-missing = Il manque quelque chose. Remplissez tous les champs obligatoires
error-too-long-in-all = Le texte est trop long. Raccourcissez-le
error-too-many = { $minutes ->
    [one] Trop de tentatives. Réessayez dans une minute
   *[other] Trop de tentatives. Réessayez dans { $minutes } minutes
}
error-busy = Le serveur est très sollicité. Réessayez dans un instant
error-unknown = Cela n’a pas fonctionné. Vérifiez votre saisie

# What policies ask.
policy-REQUIRED = Remplissez ce champ
policy-NOT_NULL = Remplissez ce champ
policy-UNIQUE = Cette valeur est déjà prise. Choisissez-en une autre
policy-VALID_USERNAME = Ce nom ne peut pas être utilisé. Choisissez-en un autre
policy-MIN_LENGTH = { $minLength ->
    [one] Au moins { $minLength } caractère
   *[other] Au moins { $minLength } caractères
}
policy-MAX_LENGTH = { $maxLength ->
    [one] Au plus { $maxLength } caractère
   *[other] Au plus { $maxLength } caractères
}
policy-AT_LEAST_X_CAPITAL_LETTERS = { $numCaps ->
    [one] Au moins { $numCaps } majuscule
   *[other] Au moins { $numCaps } majuscules
}
policy-AT_LEAST_X_NUMBERS = { $numNums ->
    [one] Au moins { $numNums } chiffre
   *[other] Au moins { $numNums } chiffres
}
policy-CANNOT_CONTAIN_OTHERS = Ne contient ni votre nom, ni votre nom d’utilisateur, ni votre adresse
policy-CANNOT_CONTAIN_CHARACTERS = Aucun de ces caractères : { $forbiddenChars }
policy-CANNOT_CONTAIN_DUPLICATES = Rien en double
policy-VALID_EMAIL_ADDRESS_FORMAT = Saisissez une adresse e‑mail, par exemple nom@example.com
policy-VALID_PHONE_FORMAT = Saisissez un numéro de téléphone, par exemple +44 808 157 0192
policy-VALID_NAME_FORMAT = Saisissez un nom. Certains caractères ne sont pas autorisés
policy-VALID_DATE = Saisissez une date
policy-VALID_FORMATTED_DATE = Saisissez une date
policy-VALID_DATETIME = Saisissez une date et une heure
policy-VALID_TIME = Saisissez une heure
policy-VALID_DURATION = Saisissez une durée
policy-VALID_NUMBER = Saisissez un nombre
policy-VALID_TYPE = Ce type de valeur ne convient pas
policy-VALID_ARRAY_ITEMS = Une de ces valeurs ne convient pas
policy-VALID_QUERY_FILTER = Ce filtre n’est pas valable
policy-MATCH_REGEXP = Le format ne convient pas
policy-ENUM_VALUE = Choisissez une des valeurs proposées
policy-IS_NEW = Différent de vos anciens mots de passe
policy-MINIMUM_NUMBER_VALUE = Cette valeur est trop petite
policy-MAXIMUM_NUMBER_VALUE = Cette valeur est trop grande
policy-PASSWORD_BLACKLISTED = Pas un mot de passe courant
policy-DICTIONARY = Pas un mot du dictionnaire
policy-LENGTH_BASED = Un mot de passe de la bonne longueur
policy-REPEATED_CHARACTERS = Pas plusieurs fois le même caractère
policy-CHARACTER_SET = Des caractères de plusieurs types
policy-other = Une valeur que ce service accepte

# Dead ends.
end-not-found-title = Page introuvable
end-not-found-lead = Vérifiez l’adresse ou allez à la page d’accueil.
end-unreadable-title = Cette adresse est illisible
end-unreadable-lead = Elle a peut-être été coupée. Copiez le lien entier de l’e‑mail ou allez à la page d’accueil.
end-forbidden-title = Accès refusé
end-forbidden-lead = Votre compte ne permet pas de consulter cette page.
end-off-title = Fonction non disponible
end-off-lead = Ce service ne la propose pas actuellement.
end-expired-title = Ce lien a expiré
end-expired-lead = Pour votre sécurité, il n’est valable que peu de temps. Vous pouvez recommencer.
end-used-title = C’est déjà fait
end-used-lead = Cette étape a été terminée ici, dans une autre fenêtre ou sur un autre appareil. Un lien ne sert qu’une fois.
end-foreign-title = Ce lien n’est pas valable
end-foreign-lead = Il a peut-être été coupé, ou il concerne autre chose. Copiez le lien entier de l’e‑mail, ou demandez-en un nouveau.
end-changed-title = Le service a changé
end-changed-lead = Il a été modifié depuis que vous avez commencé. Veuillez recommencer.
end-forgotten-title = Veuillez recommencer
end-forgotten-lead = Cette page appartient à un autre navigateur ou est restée ouverte trop longtemps.
end-too-many-title = Trop de tentatives
end-too-many-lead = { $minutes ->
    [one] Veuillez réessayer dans une minute.
   *[other] Veuillez réessayer dans { $minutes } minutes.
}
end-busy-title = Le serveur est très sollicité
end-busy-lead = Veuillez réessayer dans un instant. Rien n’est perdu.
end-old-form-title = Cette page est restée ouverte trop longtemps
end-old-form-lead = Rien n’a été modifié. Revenez en arrière, rechargez la page et réessayez.
end-too-large-title = Le texte est trop long
end-too-large-lead = Rien n’a été modifié. Revenez en arrière : votre saisie est toujours là. Raccourcissez-la et envoyez-la de nouveau.
end-method-title = Cette page ne le permet pas
end-method-lead = Une page se consulte, un formulaire s’envoie. Rien n’a été modifié.
end-type-title = Cette page ne le permet pas
end-type-lead = Elle n’accepte que des formulaires. Rien n’a été modifié.
end-conflict-title = Une modification a eu lieu entre-temps
end-conflict-lead = Quelqu’un, peut-être vous dans une autre fenêtre, a modifié les mêmes données. Vérifiez-les et réessayez.
end-failed-title = Une erreur s’est produite
end-failed-lead = L’erreur vient de nous et a été enregistrée. Veuillez réessayer plus tard.
end-again = Envoyer un nouveau lien
end-begin-again = Recommencer
end-home = Aller à la page d’accueil
