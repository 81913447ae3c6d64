# What every page says. Values: $name is the name of the person or the service, as the sentence says.
language-name = Français
service = Votre compte
skip-to-content = Aller au contenu
sign-in = Se connecter
sign-out = Se déconnecter
create-account = Créer un compte
forgotten-password = Mot de passe oublié ?
forgotten-user-name = Nom d’utilisateur oublié ?
continue = Continuer
save = Enregistrer
back-to-account = Retour à votre compte
optional-mark = (facultatif)
error-prefix = Erreur :
summary-colon = { " : " }
there-is-a-problem = Il y a un problème
language = Langue
language-loses = Votre saisie sur cette page sera perdue. Changer de langue ?
footer = Liens
user-name = Nom d’utilisateur
password = Mot de passe
new-password = Nouveau mot de passe
show-password = Afficher
hide-password = Masquer
show-password-of = Afficher le mot de passe
hide-password-of = Masquer le mot de passe
password-rules = Règles pour votre mot de passe :
rule-met = Règles respectées
rule-open = À respecter encore
rule-later = vérifié à l’enregistrement
strength = Solidité :
strength-0 = Très faible
strength-1 = Faible
strength-2 = Moyenne
strength-3 = Bonne
strength-4 = Forte

# Properties that projects leave as they usually are.
property-userName = Nom d’utilisateur
property-givenName = Prénom
property-sn = Nom de famille
property-mail = Adresse e‑mail
property-description = Description
property-displayName = Nom affiché
property-telephoneNumber = Numéro de téléphone
property-postalAddress = Numéro et rue
property-city = Ville ou commune
property-postalCode = Code postal
property-country = Pays
property-stateProvince = Région ou province

# The first page.
landing-title = Bienvenue
landing-lead = Connectez-vous pour consulter ou modifier votre compte, ou créez-en un.
landing-help = Des difficultés à vous connecter ?
landing-code = Saisir le lien d’un e‑mail
landing-fragment = Si vous arrivez ici par le lien d’un e‑mail, saisissez ce lien encore une fois.
landing-others = Autres démarches

# Signing in.
sign-in-title = Se connecter
signed-out = Votre session est fermée.
session-over = Votre session a pris fin. Connectez-vous de nouveau pour continuer.

# Signed in already.
already-title = Votre session est ouverte
already-lead = Votre session est ouverte au nom de { $name }. Pour continuer, déconnectez-vous d’abord.
already-password = Si vous souhaitez un nouveau mot de passe, vous pouvez le changer dans votre compte.
already-change-password = Changer de mot de passe
already-sign-out = Se déconnecter et continuer
already-account = Aller à votre compte
