# The names of the usual processes.
process-reset = Réinitialiser votre mot de passe
process-registration = Créer un compte
process-username = Retrouver votre nom d’utilisateur
process-profile = Compléter votre profil
process-kbaUpdate = Vos questions de sécurité
process-termsAndConditions = Conditions d’utilisation

# Finding an account.
user-name-or-mail = Nom d’utilisateur ou adresse e‑mail
account-identifier = Identifiant de connexion
stage-userQuery-title = De quel compte s’agit-il ?
stage-userQuery-reset = Nous enverrons un e‑mail à l’adresse de ce compte. Son lien vous permettra de choisir un nouveau mot de passe.
stage-userQuery-username = Nous enverrons votre nom d’utilisateur à l’adresse de ce compte.
stage-userQuery-other = Dites-nous de quel compte il s’agit.

# The mailed code.
stage-emailValidation-title = Consultez votre messagerie
stage-emailValidation-mail-title = Quelle est votre adresse e‑mail ?
stage-emailValidation-mail-lead = Nous y enverrons un code pour nous assurer qu’elle est bien à vous.
stage-emailValidation-lead = Si nous connaissons l’adresse, un e‑mail est en route. Ouvrez le lien qu’il contient ou saisissez son code ici.
stage-emailValidation-lead-registration = Nous avons envoyé un e‑mail à l’adresse indiquée. Ouvrez le lien qu’il contient ou saisissez son code ici.
code = Code
code-hint = Huit chiffres, ou le code entier de l’e‑mail
again = Renvoyer l’e‑mail
again-lead = Pas d’e‑mail ? Cela peut prendre une minute. Regardez aussi dans les courriers indésirables.
sent-again = Nous avons renvoyé l’e‑mail.

# Security questions.
stage-kbaSecurityAnswerVerificationStage-title = Répondez à vos questions de sécurité
stage-kbaSecurityAnswerVerificationStage-lead = Vous avez choisi ces questions. Majuscules et minuscules ne sont pas distinguées.
stage-kbaSecurityAnswerDefinitionStage-title = Choisissez des questions de sécurité
stage-kbaSecurityAnswerDefinitionStage-lead = Nous vous les poserons si vous oubliez votre mot de passe. Choisissez des questions dont personne d’autre ne connaît la réponse.
security-question = { $count ->
    [one] Question de sécurité
   *[other] Question de sécurité { $number }
}
security-answer = Réponse
own-question = Une question personnelle
own-question-text = Votre question
only-own-question = (seulement pour une question personnelle)
answer = Réponse

# The new password.
stage-resetStage-title = Choisissez un nouveau mot de passe
stage-resetStage-lead = Dès l’enregistrement, vos sessions sur les autres appareils seront fermées.
stage-resetStage-button = Enregistrer le nouveau mot de passe

# Registration.
stage-details-title = Créer un compte
stage-details-lead = Dites-nous qui vous êtes.
stage-details-button = Créer le compte
preferences = Préférences
preference-updates = Recevoir les actualités
preference-marketing = Recevoir des offres et services exclusifs

# Terms, consent, captcha.
stage-termsAndConditions-title = Conditions d’utilisation
terms = Conditions d’utilisation
accept-terms = J’ai lu et j’accepte les conditions d’utilisation
stage-consent-title = Pouvons-nous partager vos données ?
consent-document = Partage de vos données
give-consent = J’accepte que mes données soient partagées comme indiqué
stage-captcha-title = Êtes-vous une personne ?
captcha = Vérification que vous êtes une personne
captcha-needs-script = Cette étape nécessite JavaScript, car le service de vérification en a besoin.

# The profile.
complete-your-profile = Complétez votre profil
fill-in-what-is-missing = Veuillez compléter ce qui manque.
update-questions = Mettez à jour vos questions de sécurité
update-questions-lead = Veuillez vérifier et mettre à jour vos questions de sécurité.
update = Mettre à jour
updated-terms = Nos conditions d’utilisation ont changé
updated-terms-lead = Pour continuer, vous devez accepter les nouvelles conditions.
accept = Accepter
add-telephone = Ajoutez votre numéro de téléphone
add-telephone-lead = Il nous aide à vérifier votre identité.
skip = Pas maintenant

# A mailed link was opened.
link-title = Encore une étape
link-lead-reset = Vous avez ouvert le lien de notre e‑mail. Continuez pour choisir un nouveau mot de passe.
link-lead-registration = Vous avez ouvert le lien de notre e‑mail. Continuez pour confirmer votre adresse et créer le compte.
link-lead-other = Vous avez ouvert le lien de notre e‑mail. Continuez pour confirmer que c’était bien vous.
link-code = Le lien ne contient pas de code. Saisissez celui de l’e‑mail.

# The end.
ended-title = C’est fait
ended-reset-title = Votre mot de passe est changé
ended-reset-lead = Vous pouvez maintenant vous connecter avec le nouveau mot de passe. Nous vous avons envoyé un e‑mail à ce sujet.
ended-username-title = Votre nom d’utilisateur
ended-username-lead = Votre nom d’utilisateur est
ended-mailed-title = Consultez votre messagerie
ended-mailed-lead = Si nous connaissons l’adresse, nous y avons envoyé le nom d’utilisateur.
ended-registration-title = Votre compte est créé
ended-registration-lead = Vous pouvez maintenant vous connecter.
ended-lead = Vous avez tout terminé.
ended-nothing-title = Il n’y a rien à faire
ended-nothing-lead = Rien ne vous est demandé ici.
ended-next = Continuer

# A link whose address holds everything behind a #.
mail-code-title = Lien d’un e‑mail
mail-code-lead = Copiez le lien entier de l’e‑mail et collez-le ici.
mail-code-begun = Avez-vous commencé dans ce navigateur ? Revenez alors à la page de départ et saisissez-y le code.
link-from-mail = Lien de l’e‑mail
