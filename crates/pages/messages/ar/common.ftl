# What every page says. Values: $name is the name of the person or the service, as the sentence says.
language-name = العربية
service = حسابك
skip-to-content = الانتقال إلى المحتوى
sign-in = تسجيل الدخول
sign-out = تسجيل الخروج
create-account = إنشاء حساب
forgotten-password = هل نسيت كلمة المرور؟
forgotten-user-name = هل نسيت اسم المستخدم؟
continue = متابعة
save = حفظ
back-to-account = العودة إلى حسابك
optional-mark = (اختياري)
error-prefix = خطأ:
summary-colon = { ": " }
there-is-a-problem = توجد مشكلة
language = اللغة
language-loses = سيُفقد ما كتبته في هذه الصفحة. هل تريد تغيير اللغة؟
footer = روابط
user-name = اسم المستخدم
password = كلمة المرور
new-password = كلمة المرور الجديدة
show-password = إظهار
hide-password = إخفاء
show-password-of = إظهار كلمة المرور
hide-password-of = إخفاء كلمة المرور
password-rules = شروط كلمة المرور:
rule-met = تم استيفاء جميع الشروط
rule-open = شروط لم تُستوفَ بعد
rule-later = يُتحقق منه عند الحفظ
strength = قوة كلمة المرور:
strength-0 = ضعيفة جدًا
strength-1 = ضعيفة
strength-2 = متوسطة
strength-3 = جيدة
strength-4 = قوية

# Properties that projects leave as they usually are.
property-userName = اسم المستخدم
property-givenName = الاسم الأول
property-sn = اسم العائلة
property-mail = البريد الإلكتروني
property-description = الوصف
property-displayName = الاسم المعروض
property-telephoneNumber = رقم الهاتف
property-postalAddress = الشارع ورقم المبنى
property-city = المدينة
property-postalCode = الرمز البريدي
property-country = البلد
property-stateProvince = المحافظة أو الولاية

# The first page.
landing-title = مرحبًا
landing-lead = يمكنك تسجيل الدخول للاطلاع على حسابك أو تعديله، أو إنشاء حساب جديد.
landing-help = هل لديك مشكلة في تسجيل الدخول؟
landing-code = إدخال رابط من رسالة
landing-fragment = إذا وصلت إلى هنا عبر رابط في رسالة بريد إلكتروني، فيُرجى إدخال ذلك الرابط مرة أخرى.
landing-others = خدمات أخرى

# Signing in.
sign-in-title = تسجيل الدخول
signed-out = تم تسجيل خروجك.
session-over = انتهت جلستك. يُرجى تسجيل الدخول مرة أخرى للمتابعة.

# Signed in already.
already-title = تم تسجيل دخولك بالفعل
already-lead = تم تسجيل دخولك باسم { $name }. للمتابعة، يُرجى تسجيل الخروج أولًا.
already-password = إذا أردت كلمة مرور جديدة، فيمكنك تغييرها من حسابك.
already-change-password = تغيير كلمة المرور
already-sign-out = تسجيل الخروج والمتابعة
already-account = الانتقال إلى حسابك
