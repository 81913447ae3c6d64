# The account of somebody who is signed in.
account-title = Votre compte
account-hello = Bonjour { $name }
account-ways = Ce que vous pouvez faire
account-owed-lead = { $count ->
    [one] Avant de continuer, il vous reste une chose à faire.
   *[other] Avant de continuer, il vous reste { $count } choses à faire.
}
account-no-profile = Ce compte appartient au service lui-même. Il n’a pas de profil à modifier ici.
account-complete = Votre profil est complet à { $percent } %
account-missing = Vous pouvez encore ajouter :
profile = Profil
profile-about = Votre nom, votre adresse, vos préférences.
password-about = Choisissez-en un nouveau.
sessions = Vos connexions
sessions-about = Voyez vos appareils et déconnectez ceux que vous ne connaissez pas.
notifications = Notifications
notifications-about = { $count ->
    [0] Vous n’avez aucune notification.
    [one] Vous avez une notification.
   *[other] Vous avez { $count } notifications.
}
back-to-profile = Retour à votre profil
personal = Informations personnelles
change-personal = Modifier vos informations personnelles
change-mail = Modifier l’adresse e‑mail
safety = Sécurité
change-password = Changer de mot de passe
change-questions = Modifier vos questions de sécurité
change-preferences = Modifier vos préférences
your-data = Vos données
download = Télécharger vos données
delete-account = Supprimer votre compte
switched-on = Oui
switched-off = Non
nothing = Non renseigné
current-password = Mot de passe actuel
new-mail = Nouvelle adresse e‑mail
mail-pending = Nous avons envoyé un e‑mail à { $mail }. La nouvelle adresse sera valable dès que vous ouvrirez le lien de cet e‑mail ou saisirez son code.
mail-code-hint = Le code de l’e‑mail envoyé à la nouvelle adresse
mail-confirm = Confirmer la nouvelle adresse
mail-cancel = Garder l’adresse actuelle
mail-other = Utiliser une autre adresse

# Forms.
edit-personal-title = Vos informations personnelles
edit-mail-title = Votre adresse e‑mail
edit-mail-lead = Nous enverrons un e‑mail à la nouvelle adresse. Elle sera valable dès que vous l’aurez confirmée.
edit-password-title = Changer de mot de passe
edit-password-lead = Dès l’enregistrement, vos sessions sur les autres appareils seront fermées.
set-password = Définir un mot de passe
confirm-lead = Votre compte n’a pas de mot de passe. Montrez encore une fois que c’est bien vous, puis continuez.
confirm-with = Confirmer avec { $name }
confirm-by-mail = Définir plutôt un mot de passe par e-mail
confirm-none = Votre compte n’a pas de mot de passe, et il n’est pas possible ici de montrer que c’est bien vous. Adressez-vous aux responsables de ce service.
confirm-done = Vous avez montré que c’est bien vous. Cela vaut pendant cinq minutes.
edit-questions-title = Vos questions de sécurité
edit-questions-lead = Nous vous les posons si vous oubliez votre mot de passe. Les nouvelles questions remplacent les anciennes.
edit-preferences-title = Vos préférences
edit-delete-title = Supprimer votre compte
edit-delete-lead = Le compte et tout son contenu seront supprimés. Cette action est irréversible.
edit-delete-button = Supprimer le compte

# What was done.
done-personal = Vos informations personnelles sont enregistrées.
done-mail = Nous avons envoyé un e‑mail à la nouvelle adresse. Ouvrez le lien qu’il contient pour la confirmer.
done-mail-confirmed = Votre nouvelle adresse est confirmée.
done-mail-cancelled = Votre adresse reste la même.
done-password = Votre mot de passe est changé.
done-questions = Vos questions de sécurité sont enregistrées.
done-preferences = Vos préférences sont enregistrées.
done-consent = Votre choix est enregistré.

# Sessions.
sessions-lead = Une de ces connexions vous est inconnue ? Mettez-y fin et changez de mot de passe.
session-from = Depuis l’adresse
session-since = Ouverte le
session-used = Dernière utilisation le
session-ended = Cette session est fermée.
this-session = Session actuelle
unknown-browser = Navigateur inconnu
end-session = Fermer cette session
end-others = Fermer toutes les autres sessions

# Notifications.
no-notifications = Vous n’avez aucune notification.
dismiss = Effacer
dismiss-all = Tout effacer
notice-password = Votre mot de passe a été changé.
notice-profile = Votre profil a été modifié.

# Sharing of data.
sharing = Partage de vos données
sharing-lead = Nous ne partageons vos données qu’avec votre accord.
sharing-fields = Données partagées :
sharing-comma = { ", " }
sharing-since = Vous avez donné votre accord le
sharing-not = Vous n’avez pas donné votre accord.
sharing-begin = Donner votre accord
sharing-end = Arrêter le partage
sharing-none = Vos données ne sont partagées avec personne.
