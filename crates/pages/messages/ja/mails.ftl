# Mails of our own, as plain text. Each has a subject and a body; a project's emailTemplate-<name>.json stands before it.
letter-noticePasswordChanged-subject = パスワードが変更されました
letter-noticePasswordChanged-body =
    アカウントのパスワードが変更されました。

    ご自身で変更された場合は、何もする必要はありません。

    心当たりがない場合は、アカウントまたはメールに何者かがアクセスした可能性があります。すぐに新しいパスワードを設定し、管理者に連絡してください。
letter-noticeQuestionsChanged-subject = 秘密の質問が変更されました
letter-noticeQuestionsChanged-body =
    アカウントの秘密の質問が変更されました。

    ご自身で変更された場合は、何もする必要はありません。

    心当たりがない場合は、すぐにパスワードを変更し、管理者に連絡してください。
# Values: $providers are the names of identity providers.
letter-noticeLinksEnded-subject = ほかのプロバイダーでのログインが解除されました
letter-noticeLinksEnded-body =
    このメールボックスを読める方がパスワードを設定しました。それまで、このメールアドレスがアカウントの持ち主のものであることは確認されていませんでした。そのため、それまでの連携は解除されました: { $providers }

    もう一度連携するには、パスワードでログインしてから連携し直してください。

    パスワードを設定した覚えがない場合は、すぐにパスワードを変更し、管理者に連絡してください。
# Values: $browser is what the browser calls itself, $address is an IP address.
letter-noticeNewDevice-subject = アカウントに新しいログインがありました
letter-noticeNewDevice-body =
    これまで使われていないブラウザーから、アカウントへのログインがありました。

    ブラウザー：{ $browser }
    アドレス：{ $address }
    日時：{ $time }

    ご自身でログインされた場合は、何もする必要はありません。

    心当たりがない場合は、すぐにパスワードを変更してください。変更すると、他のログインはすべて終了します。
# To a new address.
letter-mailConfirm-subject = 新しいメールアドレスを確認してください
letter-mailConfirm-body =
    このメールアドレスをアカウントに使うための申し込みがありました。次のリンクで確認すると有効になります。

    { $link }

    または、変更を申し込んだページに次のコードを入力してください：{ $code }

    心当たりがない場合は、何もする必要はありません。確認されない限り、何も変更されません。
# To the old address. Values: $new is the new one.
letter-mailRequested-subject = メールアドレスの変更の申し込みがありました
letter-mailRequested-body =
    アカウントのメールアドレスを { $new } に変更する申し込みがありました。新しいメールアドレスが確認されるまでは、このメールアドレスが使われます。

    ご自身で申し込まれた場合は、何もする必要はありません。

    心当たりがない場合は、次のリンクでこのメールアドレスを維持し、そのあとパスワードを変更してください。リンクは1週間、変更後も有効です。

    { $link }
letter-mailChanged-subject = メールアドレスが変更されました
letter-mailChanged-body =
    アカウントのメールアドレスが { $new } に変更されました。

    ご自身で変更された場合は、何もする必要はありません。

    心当たりがない場合は、次のリンクでこのメールアドレスに戻し、そのあとパスワードを変更してください。リンクは1週間有効です。

    { $link }
# To the owner of an address that somebody tried to register with.
letter-noticeAccountExists-subject = すでにアカウントがあります
letter-noticeAccountExists-body =
    このメールアドレスで登録しようとした人がいますが、すでにアカウントがあるため、新しいアカウントは作成されませんでした。

    ご自身で登録された場合は、お持ちのアカウントでログインしてください。パスワードやユーザー名をお忘れの場合は、ログインページで手続きしてください。

    心当たりがない場合は、何もする必要はありません。

# To the owner of an account that somebody claims who comes from an identity provider.
letter-claimCode-subject = コードのお知らせ
letter-claimCode-body =
    { $provider }でログインした人が、ここでのお客様のアカウントにも{ $provider }でログインできるようにしようとしています。ご自身の場合は、次のコードを入力してください。

    { $code }

    心当たりがない場合は、何もする必要はありません。コードは誰にも教えないでください。コードを知る人は、お客様としてログインできます。
letter-noticeClaimUnconfirmed-subject = 先にメールアドレスを確認してください
letter-noticeClaimUnconfirmed-body =
    { $provider }でログインした人が、ここでのお客様のアカウントにも{ $provider }でログインできるようにしようとしています。このメールアドレスはまだ確認されていないため、コードを送信できません。

    ご自身の場合は、ログインページでパスワードを再設定してください。これでメールアドレスが確認され、アカウントを連携できるようになります。

    心当たりがない場合は、何もする必要はありません。

# The page behind the links that confirm or undo a new address.
mail-link-title = メールアドレス
mail-link-confirm = このメールアドレスをアカウントに使いますか？
mail-link-confirm-button = 確認
mail-link-confirmed = メールアドレスを変更しました
mail-link-undo = 今のメールアドレスのままにしますか？
mail-link-undo-button = このままにする
mail-link-undone = メールアドレスは元のままです
mail-link-undone-next = アカウントのログインはすべて終了しました。今すぐパスワードを変更してください。
mail-link-invalid = このリンクは無効になりました
mail-link-invalid-lead = メールのリンクは一度だけ、1日以内に使えます。
