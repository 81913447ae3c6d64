# The names of the usual processes.
process-reset = パスワードの再設定
process-registration = アカウントの作成
process-username = ユーザー名の確認
process-profile = プロフィールの入力
process-kbaUpdate = 秘密の質問
process-termsAndConditions = 利用規約

# Finding an account.
user-name-or-mail = ユーザー名またはメールアドレス
account-identifier = ログインに使うもの
stage-userQuery-title = どのアカウントですか？
stage-userQuery-reset = アカウントのメールアドレスにメールを送信します。メールのリンクから、新しいパスワードを設定できます。
stage-userQuery-username = アカウントのメールアドレスに、ユーザー名を送信します。
stage-userQuery-other = どのアカウントについての手続きか、入力してください。

# The mailed code.
stage-emailValidation-title = メールを確認してください
stage-emailValidation-mail-title = メールアドレスを入力してください
stage-emailValidation-mail-lead = ご本人のメールアドレスであることを確認するため、コードを送信します。
stage-emailValidation-lead = 登録されているメールアドレスであれば、メールが届きます。メールのリンクを開くか、ここにコードを入力してください。
stage-emailValidation-lead-registration = 入力されたメールアドレスにメールを送信しました。メールのリンクを開くか、ここにコードを入力してください。
code = コード
code-hint = 8桁の数字、またはメールに記載のコード全体
again = メールを再送信
again-lead = メールが届かない場合は、迷惑メールフォルダーも確認してください。届くまでに1分ほどかかることがあります。
sent-again = メールを再送信しました。

# Security questions.
stage-kbaSecurityAnswerVerificationStage-title = 秘密の質問に答えてください
stage-kbaSecurityAnswerVerificationStage-lead = 登録済みの質問です。大文字と小文字は区別されません。
stage-kbaSecurityAnswerDefinitionStage-title = 秘密の質問を選んでください
stage-kbaSecurityAnswerDefinitionStage-lead = パスワードを忘れたときにお尋ねします。自分だけが知っている内容を選んでください。
security-question = { $count ->
    [1] 秘密の質問
   *[other] 秘密の質問{ $number }
}
security-answer = 答え
own-question = 自分で質問を作る
own-question-text = 質問
only-own-question = （自分で質問を作る場合のみ）
answer = 答え

# The new password.
stage-resetStage-title = 新しいパスワードを設定してください
stage-resetStage-lead = 保存すると、他の端末ではすべてログアウトされます。
stage-resetStage-button = 新しいパスワードを保存

# Registration.
stage-details-title = アカウントの作成
stage-details-lead = ご自身の情報を入力してください。
stage-details-button = アカウントを作成
preferences = 設定
preference-updates = ニュースと最新情報を受け取る
preference-marketing = 特別なサービスのご案内を受け取る

# Terms, consent, captcha.
stage-termsAndConditions-title = 利用規約
terms = 利用規約
accept-terms = 利用規約を読み、同意します
stage-consent-title = データの提供に同意しますか？
consent-document = データの提供
give-consent = 記載のとおりデータが提供されることに同意します
stage-captcha-title = 人による操作であることの確認
captcha = 人による操作であることの確認
captcha-needs-script = この手順にはJavaScriptが必要です。確認を行うサービスがJavaScriptを使うためです。

# The profile.
complete-your-profile = プロフィールを入力してください
fill-in-what-is-missing = 未入力の項目を入力してください。
update-questions = 秘密の質問を更新してください
update-questions-lead = 秘密の質問を確認し、更新してください。
update = 更新
updated-terms = 利用規約が変更されました
updated-terms-lead = 続けるには、変更後の利用規約に同意する必要があります。
accept = 同意する
add-telephone = 電話番号を追加してください
add-telephone-lead = ご本人の確認に使用します。
skip = 今はしない

# A mailed link was opened.
link-title = あと一歩です
link-lead-reset = メールのリンクが開かれました。次へ進んで、新しいパスワードを設定してください。
link-lead-registration = メールのリンクが開かれました。次へ進んで、メールアドレスを確認し、アカウントを作成してください。
link-lead-other = メールのリンクが開かれました。次へ進んで、ご本人の操作であることを確認してください。
link-code = リンクにコードが含まれていません。メールに記載のコードを入力してください。

# The end.
ended-title = 完了しました
ended-reset-title = パスワードを変更しました
ended-reset-lead = 新しいパスワードでログインできます。変更をお知らせするメールを送信しました。
ended-username-title = ユーザー名
ended-username-lead = ユーザー名：
ended-mailed-title = メールを確認してください
ended-mailed-lead = 登録されているメールアドレスであれば、ユーザー名が届きます。
ended-registration-title = アカウントを作成しました
ended-registration-lead = ログインできます。
ended-lead = 手続きは完了しました。
ended-nothing-title = 必要な手続きはありません
ended-nothing-lead = ここで入力する項目はありません。
ended-next = 次へ

# A link whose address holds everything behind a #.
mail-code-title = メールのリンク
mail-code-lead = メールのリンク全体をコピーして、ここに貼り付けてください。
mail-code-begun = このブラウザーで手続きを始めた場合は、始めたページに戻って、そこにコードを入力してください。
link-from-mail = メールのリンク
