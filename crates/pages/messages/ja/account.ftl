# The account of somebody who is signed in.
account-title = アカウント
account-hello = { $name }さん、こんにちは
account-ways = できること
account-owed-lead = 続ける前に、確認が必要な項目が{ $count }件あります。
account-no-profile = これはサービス専用のアカウントです。ここで変更できるプロフィールはありません。
account-complete = プロフィールの入力は{ $percent }%完了しています
account-missing = 次の項目を追加できます：
profile = プロフィール
profile-about = 氏名、住所、設定。
password-about = 新しいパスワードを設定します。
sessions = ログイン中の端末
sessions-about = 端末を確認し、心当たりのない端末をログアウトできます。
notifications = お知らせ
notifications-about = { $count ->
    [0] お知らせはありません。
   *[other] お知らせが{ $count }件あります。
}
back-to-profile = プロフィールに戻る
personal = 個人情報
change-personal = 個人情報を変更
change-mail = メールアドレスを変更
safety = セキュリティ
change-password = パスワードを変更
change-questions = 秘密の質問を変更
change-preferences = 設定を変更
your-data = データ
download = データをダウンロード
delete-account = アカウントを削除
switched-on = はい
switched-off = いいえ
nothing = 未入力
current-password = 現在のパスワード
new-mail = 新しいメールアドレス
mail-pending = { $mail }にメールを送信しました。メールのリンクを開くか、コードを入力すると、新しいメールアドレスが有効になります。
mail-code-hint = 新しいメールアドレスに届いたコード
mail-confirm = 新しいメールアドレスを確認
mail-cancel = 今のメールアドレスのままにする
mail-other = 別のメールアドレスを使う

# Forms.
edit-personal-title = 個人情報
edit-mail-title = メールアドレス
edit-mail-lead = 新しいメールアドレスにメールを送信します。確認が済むと有効になります。
edit-password-title = パスワードの変更
edit-password-lead = 保存すると、他の端末ではすべてログアウトされます。
set-password = パスワードを設定
confirm-lead = このアカウントにはパスワードがありません。ご本人であることをもう一度確認すると、続けられます。
confirm-with = { $name }で確認
confirm-by-mail = メールを使ってパスワードを設定
confirm-none = このアカウントにはパスワードがなく、ここではご本人であることを確認できません。サービスの運営者にお問い合わせください。
confirm-done = ご本人であることを確認しました。5分間有効です。
edit-questions-title = 秘密の質問
edit-questions-lead = パスワードを忘れたときにお尋ねします。新しい質問は、これまでの質問と置き換わります。
edit-preferences-title = 設定
edit-delete-title = アカウントの削除
edit-delete-lead = アカウントとその内容がすべて削除されます。元に戻すことはできません。
edit-delete-button = アカウントを削除

# What was done.
done-personal = 個人情報を保存しました。
done-mail = 新しいメールアドレスにメールを送信しました。メールのリンクを開いて確認してください。
done-mail-confirmed = 新しいメールアドレスを確認しました。
done-mail-cancelled = メールアドレスは変更されません。
done-password = パスワードを変更しました。
done-questions = 秘密の質問を保存しました。
done-preferences = 設定を保存しました。
done-consent = 選択内容を保存しました。

# Sessions.
sessions-lead = 心当たりのないものがあれば、終了してパスワードを変更してください。
session-from = 接続元：
session-since = ログイン日時：
session-used = 最終利用日時：
session-ended = ログアウトしました。
this-session = 現在の端末
unknown-browser = 不明なブラウザー
end-session = このログインを終了
end-others = 他をすべて終了

# Notifications.
no-notifications = お知らせはありません。
dismiss = 消去
dismiss-all = すべて消去
notice-password = パスワードが変更されました。
notice-profile = プロフィールが変更されました。

# Sharing of data.
sharing = データの提供
sharing-lead = データは、同意した提供先にのみ提供されます。
sharing-fields = 提供される項目：
sharing-comma = 、
sharing-since = 同意日時：
sharing-not = 同意していません。
sharing-begin = 同意する
sharing-end = 提供を停止する
sharing-none = データはどこにも提供されていません。
