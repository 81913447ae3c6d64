# What every page says. Values: $name is the name of the person or the service, as the sentence says.
language-name = 日本語
service = アカウント
skip-to-content = 本文へ移動
sign-in = ログイン
sign-out = ログアウト
create-account = アカウントを作成
forgotten-password = パスワードをお忘れの方
forgotten-user-name = ユーザー名をお忘れの方
continue = 次へ
save = 保存
back-to-account = アカウントに戻る
optional-mark = （任意）
error-prefix = エラー：
summary-colon = { "：" }
there-is-a-problem = 入力内容を確認してください
language = 言語
language-loses = このページに入力した内容は失われます。言語を変更しますか？
footer = リンク
user-name = ユーザー名
password = パスワード
new-password = 新しいパスワード
show-password = 表示
hide-password = 非表示
show-password-of = パスワードを表示
hide-password-of = パスワードを非表示
password-rules = パスワードの条件：
rule-met = すべての条件を満たしています
rule-open = 満たしていない条件
rule-later = 保存するときに確認します
strength = 強度：
strength-0 = とても弱い
strength-1 = 弱い
strength-2 = 普通
strength-3 = 良い
strength-4 = 強い

# Properties that projects leave as they usually are.
property-userName = ユーザー名
property-givenName = 名
property-sn = 姓
property-mail = メールアドレス
property-description = 説明
property-displayName = 表示名
property-telephoneNumber = 電話番号
property-postalAddress = 番地・建物名
property-city = 市区町村
property-postalCode = 郵便番号
property-country = 国
property-stateProvince = 都道府県または州

# The first page.
landing-title = ようこそ
landing-lead = アカウントの確認や変更にはログインしてください。新しく作成することもできます。
landing-help = ログインでお困りですか？
landing-code = メールのリンクを入力
landing-fragment = メールのリンクからこのページを開いた場合は、そのリンクをもう一度入力してください。
landing-others = その他の手続き

# Signing in.
sign-in-title = ログイン
signed-out = ログアウトしました。
session-over = ログアウトされました。続けるには、もう一度ログインしてください。

# Signed in already.
already-title = ログイン済みです
already-lead = { $name }さんとしてログインしています。続けるには、まずログアウトしてください。
already-password = パスワードを変更したい場合は、アカウントのページで変更できます。
already-change-password = パスワードを変更
already-sign-out = ログアウトして続ける
already-account = アカウントのページへ
