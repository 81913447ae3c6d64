# Mails of our own, as plain text. Each has a subject and a body; a project's emailTemplate-<name>.json stands before it.
letter-noticePasswordChanged-subject = Votre mot de passe a été modifié
letter-noticePasswordChanged-body =
    Le mot de passe de votre compte vient d’être modifié.

    Si c’était vous, vous n’avez rien à faire.

    Si ce n’était pas vous, quelqu’un a peut-être accédé à votre compte ou à votre messagerie : choisissez tout de suite un nouveau mot de passe et prévenez l’administration de votre service.
letter-noticeQuestionsChanged-subject = Vos questions de sécurité ont été modifiées
letter-noticeQuestionsChanged-body =
    Les questions de sécurité de votre compte viennent d’être modifiées.

    Si c’était vous, vous n’avez rien à faire.

    Si ce n’était pas vous, changez tout de suite de mot de passe et prévenez l’administration de votre service.
# Values: $providers are the names of identity providers.
letter-noticeLinksEnded-subject = La connexion avec un autre fournisseur a pris fin
letter-noticeLinksEnded-body =
    Votre mot de passe a été défini par quelqu’un qui lit cette boîte aux lettres. Personne n’avait montré jusque-là que cette adresse e-mail est celle du compte. Ce qui y était associé ne l’est donc plus : { $providers }

    Pour vous connecter à nouveau de cette façon, connectez-vous avec votre mot de passe et associez-le encore une fois.

    Si vous n’avez pas défini ce mot de passe, changez-le tout de suite et prévenez l’administration de votre service.
# Values: $browser is what the browser calls itself, $address is an IP address.
letter-noticeNewDevice-subject = Une nouvelle connexion à votre compte
letter-noticeNewDevice-body =
    Quelqu’un s’est connecté à votre compte avec un navigateur jamais utilisé auparavant.

    Navigateur : { $browser }
    Adresse : { $address }
    Heure : { $time }

    Si c’était vous, vous n’avez rien à faire.

    Si ce n’était pas vous, changez tout de suite de mot de passe : toutes les autres sessions prendront fin.
# To a new address.
letter-mailConfirm-subject = Confirmez votre nouvelle adresse e-mail
letter-mailConfirm-body =
    Quelqu’un a demandé à utiliser cette adresse pour un compte. Elle sera valable dès que vous la confirmerez :

    { $link }

    Ou saisissez ce code là où vous avez demandé la modification : { $code }

    Si ce n’était pas vous, vous n’avez rien à faire : sans confirmation, rien ne change.
# To the old address. Values: $new is the new one.
letter-mailRequested-subject = Votre adresse e-mail va être modifiée
letter-mailRequested-body =
    Quelqu’un a demandé de remplacer l’adresse e-mail de votre compte par { $new }. L’adresse actuelle reste valable jusqu’à la confirmation de la nouvelle.

    Si c’était vous, vous n’avez rien à faire.

    Si ce n’était pas vous, gardez votre adresse avec le lien suivant, puis changez de mot de passe. Le lien est valable une semaine, même après la modification :

    { $link }
letter-mailChanged-subject = Votre adresse e-mail a été modifiée
letter-mailChanged-body =
    L’adresse e-mail de votre compte vient d’être remplacée par { $new }.

    Si c’était vous, vous n’avez rien à faire.

    Si ce n’était pas vous, reprenez votre adresse avec le lien suivant, puis changez de mot de passe. Le lien est valable une semaine :

    { $link }
# To the owner of an address that somebody tried to register with.
letter-noticeAccountExists-subject = Vous avez déjà un compte
letter-noticeAccountExists-body =
    Quelqu’un a essayé de s’inscrire avec cette adresse e-mail. Un compte existe déjà pour elle ; aucun nouveau compte n’a donc été créé.

    Si c’était vous, connectez-vous avec votre compte. Si vous avez oublié votre mot de passe ou votre nom d’utilisateur, demandez-le sur la page de connexion.

    Si ce n’était pas vous, vous n’avez rien à faire.

# To the owner of an account that somebody claims who comes from an identity provider.
letter-claimCode-subject = Votre code
letter-claimCode-body =
    Quelqu’un qui s’est connecté avec { $provider } veut s’en servir pour se connecter à votre compte ici. Si c’est vous, saisissez ce code :

    { $code }

    Si ce n’était pas vous, vous n’avez rien à faire. Ne communiquez ce code à personne : celui qui l’a peut se connecter à votre place.
letter-noticeClaimUnconfirmed-subject = Confirmez d’abord votre adresse e-mail
letter-noticeClaimUnconfirmed-body =
    Quelqu’un qui s’est connecté avec { $provider } veut s’en servir pour se connecter à votre compte ici. Cette adresse e-mail n’a jamais été confirmée ; aucun code ne peut donc encore y être envoyé.

    Si c’était vous, réinitialisez votre mot de passe sur la page de connexion. Cela confirme l’adresse, et les comptes pourront ensuite être associés.

    Si ce n’était pas vous, vous n’avez rien à faire.

# The page behind the links that confirm or undo a new address.
mail-link-title = Adresse e-mail
mail-link-confirm = Utiliser cette adresse e-mail pour votre compte ?
mail-link-confirm-button = Confirmer
mail-link-confirmed = Votre adresse e-mail a été modifiée
mail-link-undo = Garder votre adresse e-mail ?
mail-link-undo-button = La garder
mail-link-undone = Votre adresse e-mail reste la même
mail-link-undone-next = Toutes les sessions de votre compte ont été fermées. Changez maintenant de mot de passe.
mail-link-invalid = Ce lien n’est plus valable
mail-link-invalid-lead = Un lien reçu par e-mail ne sert qu’une fois, pendant une journée.
