# The names of the usual processes.
process-reset = إعادة تعيين كلمة المرور
process-registration = إنشاء حساب
process-username = العثور على اسم المستخدم
process-profile = إكمال ملفك الشخصي
process-kbaUpdate = أسئلة الأمان
process-termsAndConditions = الشروط والأحكام

# Finding an account.
user-name-or-mail = اسم المستخدم أو البريد الإلكتروني
account-identifier = المعرّف المستخدم لتسجيل الدخول
stage-userQuery-title = ما هو الحساب المقصود؟
stage-userQuery-reset = سنرسل رسالة إلى عنوان هذا الحساب، وفيها رابط يتيح لك اختيار كلمة مرور جديدة.
stage-userQuery-username = سنرسل اسم المستخدم إلى عنوان هذا الحساب.
stage-userQuery-other = يُرجى تحديد الحساب المقصود.

# The mailed code.
stage-emailValidation-title = يُرجى التحقق من بريدك الإلكتروني
stage-emailValidation-mail-title = ما هو بريدك الإلكتروني؟
stage-emailValidation-mail-lead = سنرسل إليه رمزًا للتأكد من أنه يخصك.
stage-emailValidation-lead = إذا كان العنوان مسجلًا لدينا، فستصلك رسالة. يُرجى فتح الرابط الوارد فيها أو إدخال الرمز هنا.
stage-emailValidation-lead-registration = أرسلنا رسالة إلى العنوان الذي أدخلته. يُرجى فتح الرابط الوارد فيها أو إدخال الرمز هنا.
code = الرمز
code-hint = ثمانية أرقام، أو الرمز الكامل الوارد في الرسالة
again = إعادة إرسال الرسالة
again-lead = لم تصلك الرسالة؟ قد يستغرق ذلك دقيقة. يُرجى التحقق أيضًا من مجلد الرسائل غير المرغوب فيها.
sent-again = أعدنا إرسال الرسالة.

# Security questions.
stage-kbaSecurityAnswerVerificationStage-title = الإجابة عن أسئلة الأمان
stage-kbaSecurityAnswerVerificationStage-lead = هذه هي الأسئلة التي اخترتها. لا فرق بين الأحرف الكبيرة والصغيرة.
stage-kbaSecurityAnswerDefinitionStage-title = اختيار أسئلة الأمان
stage-kbaSecurityAnswerDefinitionStage-lead = سنطرحها عليك إذا نسيت كلمة المرور. يُفضَّل اختيار ما لا يعرفه أحد غيرك.
security-question = { $count ->
    [one] سؤال الأمان
   *[other] سؤال الأمان { $number }
}
security-answer = الإجابة
own-question = سؤال من اختياري
own-question-text = سؤالك
only-own-question = (فقط عند اختيار سؤال خاص بك)
answer = الإجابة

# The new password.
stage-resetStage-title = اختيار كلمة مرور جديدة
stage-resetStage-lead = عند حفظها، سيتم تسجيل خروجك من جميع الأجهزة الأخرى.
stage-resetStage-button = حفظ كلمة المرور الجديدة

# Registration.
stage-details-title = إنشاء حساب
stage-details-lead = يُرجى إدخال بياناتك.
stage-details-button = إنشاء الحساب
preferences = التفضيلات
preference-updates = أرغب في تلقي الأخبار والمستجدات
preference-marketing = أرغب في تلقي العروض والخدمات الخاصة

# Terms, consent, captcha.
stage-termsAndConditions-title = الشروط والأحكام
terms = الشروط والأحكام
accept-terms = قرأت الشروط والأحكام وأوافق عليها
stage-consent-title = هل يمكننا مشاركة بياناتك؟
consent-document = مشاركة بياناتك
give-consent = أوافق على مشاركة بياناتي كما هو موضح
stage-captcha-title = هل أنت إنسان؟
captcha = إثبات أنك إنسان
captcha-needs-script = تتطلب هذه الخطوة JavaScript، لأن الخدمة التي تجري التحقق تحتاج إليه.

# The profile.
complete-your-profile = إكمال ملفك الشخصي
fill-in-what-is-missing = يُرجى إكمال البيانات الناقصة.
update-questions = تحديث أسئلة الأمان
update-questions-lead = يُرجى مراجعة أسئلة الأمان وتحديثها.
update = تحديث
updated-terms = حدّثنا الشروط والأحكام
updated-terms-lead = للمتابعة، تلزم الموافقة على الشروط المحدّثة.
accept = موافقة
add-telephone = إضافة رقم هاتفك
add-telephone-lead = يساعدنا ذلك على التحقق من هويتك.
skip = ليس الآن

# A mailed link was opened.
link-title = بقيت خطوة واحدة
link-lead-reset = لقد فتحت الرابط الوارد في رسالتنا. يمكنك المتابعة لاختيار كلمة مرور جديدة.
link-lead-registration = لقد فتحت الرابط الوارد في رسالتنا. يمكنك المتابعة لتأكيد عنوانك وإنشاء الحساب.
link-lead-other = لقد فتحت الرابط الوارد في رسالتنا. يمكنك المتابعة لتأكيد أنك من فتحه.
link-code = لا يحتوي الرابط على رمز. يُرجى إدخال الرمز الوارد في الرسالة.

# The end.
ended-title = تم
ended-reset-title = تم تغيير كلمة المرور
ended-reset-lead = يمكنك الآن تسجيل الدخول بكلمة المرور الجديدة. أرسلنا إليك رسالة بشأن ذلك.
ended-username-title = اسم المستخدم
ended-username-lead = اسم المستخدم هو
ended-mailed-title = يُرجى التحقق من بريدك الإلكتروني
ended-mailed-lead = إذا كان العنوان مسجلًا لدينا، فقد أرسلنا إليه اسم المستخدم.
ended-registration-title = حسابك جاهز
ended-registration-lead = يمكنك الآن تسجيل الدخول.
ended-lead = لقد أكملت جميع الخطوات.
ended-nothing-title = لا يوجد ما يلزم فعله
ended-nothing-lead = لا نحتاج منك أي شيء هنا.
ended-next = متابعة

# A link whose address holds everything behind a #.
mail-code-title = رابط من رسالة
mail-code-lead = يُرجى نسخ الرابط كاملًا من الرسالة ولصقه هنا.
mail-code-begun = هل بدأت في هذا المتصفح؟ يُرجى العودة إلى الصفحة التي بدأت منها وإدخال الرمز هناك.
link-from-mail = الرابط الوارد في الرسالة
