# Mails of our own, as plain text. Each has a subject and a body; a project's emailTemplate-<name>.json stands before it.
letter-noticePasswordChanged-subject = تم تغيير كلمة المرور
letter-noticePasswordChanged-body =
    تم تغيير كلمة مرور حسابك للتو.

    إذا كان ذلك من قِبلك، فلا يلزم فعل أي شيء.

    وإذا لم يكن من قِبلك، فربما تمكّن شخص من الوصول إلى حسابك أو بريدك الإلكتروني. يُرجى اختيار كلمة مرور جديدة فورًا وإبلاغ مسؤول النظام.
letter-noticeQuestionsChanged-subject = تم تغيير أسئلة الأمان
letter-noticeQuestionsChanged-body =
    تم تغيير أسئلة الأمان الخاصة بحسابك للتو.

    إذا كان ذلك من قِبلك، فلا يلزم فعل أي شيء.

    وإذا لم يكن من قِبلك، فيُرجى تغيير كلمة المرور فورًا وإبلاغ مسؤول النظام.
# Values: $providers are the names of identity providers.
letter-noticeLinksEnded-subject = تم إنهاء تسجيل الدخول عبر مزوّد آخر
letter-noticeLinksEnded-body =
    تم تعيين كلمة المرور الخاصة بك من قِبل من يقرأ صندوق البريد هذا. ولم يُثبت أحد قبل ذلك أن عنوان البريد الإلكتروني هذا يخص الحساب، لذلك أُلغي ربط ما كان مرتبطًا به حتى الآن: { $providers }

    إذا أردت تسجيل الدخول بهذه الطريقة مجددًا، فسجّل الدخول بكلمة المرور ثم اربطه مرة أخرى.

    إذا لم تكن أنت من عيّن كلمة المرور، فيُرجى تغييرها فورًا وإبلاغ مسؤول النظام.
# Values: $browser is what the browser calls itself, $address is an IP address.
letter-noticeNewDevice-subject = تسجيل دخول جديد إلى حسابك
letter-noticeNewDevice-body =
    تم تسجيل الدخول إلى حسابك من متصفح لم يُستخدم من قبل.

    المتصفح: { $browser }
    العنوان: { $address }
    الوقت: { $time }

    إذا كان ذلك من قِبلك، فلا يلزم فعل أي شيء.

    وإذا لم يكن من قِبلك، فيُرجى تغيير كلمة المرور فورًا، وسيؤدي ذلك إلى إنهاء جميع الجلسات الأخرى.
# To a new address.
letter-mailConfirm-subject = تأكيد بريدك الإلكتروني الجديد
letter-mailConfirm-body =
    طلب شخص استخدام هذا العنوان لأحد الحسابات. يصبح العنوان ساريًا بمجرد تأكيده عبر الرابط التالي:

    { $link }

    أو يمكنك إدخال هذا الرمز حيث طلبت التغيير: { $code }

    إذا لم يكن ذلك من قِبلك، فلا يلزم فعل أي شيء: لن يتغير شيء دون تأكيد.
# To the old address. Values: $new is the new one.
letter-mailRequested-subject = طلب تغيير بريدك الإلكتروني
letter-mailRequested-body =
    طلب شخص تغيير البريد الإلكتروني لحسابك إلى { $new }. يبقى هذا العنوان مستخدمًا حتى يتم تأكيد العنوان الجديد.

    إذا كان ذلك من قِبلك، فلا يلزم فعل أي شيء.

    وإذا لم يكن من قِبلك، فيُرجى الاحتفاظ بهذا العنوان عبر الرابط التالي، ثم تغيير كلمة المرور. يصلح الرابط لمدة أسبوع، حتى بعد التغيير:

    { $link }
letter-mailChanged-subject = تم تغيير بريدك الإلكتروني
letter-mailChanged-body =
    تم تغيير البريد الإلكتروني لحسابك إلى { $new } للتو.

    إذا كان ذلك من قِبلك، فلا يلزم فعل أي شيء.

    وإذا لم يكن من قِبلك، فيُرجى استعادة هذا العنوان عبر الرابط التالي، ثم تغيير كلمة المرور. يصلح الرابط لمدة أسبوع:

    { $link }
# To the owner of an address that somebody tried to register with.
letter-noticeAccountExists-subject = لديك حساب بالفعل
letter-noticeAccountExists-body =
    حاول شخص التسجيل بهذا البريد الإلكتروني. يوجد حساب له بالفعل، ولذلك لم يُنشأ حساب جديد.

    إذا كان ذلك من قِبلك، فيمكنك تسجيل الدخول بحسابك. وإذا نسيت كلمة المرور أو اسم المستخدم، فيمكنك طلب ذلك من صفحة تسجيل الدخول.

    وإذا لم يكن من قِبلك، فلا يلزم فعل أي شيء.

# To the owner of an account that somebody claims who comes from an identity provider.
letter-claimCode-subject = الرمز الخاص بك
letter-claimCode-body =
    سجّل شخص الدخول باستخدام { $provider } ويريد استخدامه لتسجيل الدخول إلى حسابك هنا. إذا كان ذلك من قِبلك، يُرجى إدخال هذا الرمز:

    { $code }

    وإذا لم يكن من قِبلك، فلا يلزم فعل أي شيء. يُرجى عدم إعطاء الرمز لأي شخص: من لديه الرمز يمكنه تسجيل الدخول باسمك.
letter-noticeClaimUnconfirmed-subject = يُرجى تأكيد بريدك الإلكتروني أولًا
letter-noticeClaimUnconfirmed-body =
    سجّل شخص الدخول باستخدام { $provider } ويريد استخدامه لتسجيل الدخول إلى حسابك هنا. لم يُؤكَّد هذا البريد الإلكتروني من قبل، ولذلك لا يمكن إرسال رمز إليه بعد.

    إذا كان ذلك من قِبلك، يُرجى إعادة تعيين كلمة المرور من صفحة تسجيل الدخول. هذا يؤكد العنوان، وبعده يمكن ربط الحسابين.

    وإذا لم يكن من قِبلك، فلا يلزم فعل أي شيء.

# The page behind the links that confirm or undo a new address.
mail-link-title = البريد الإلكتروني
mail-link-confirm = استخدام هذا البريد الإلكتروني لحسابك؟
mail-link-confirm-button = تأكيد
mail-link-confirmed = تم تغيير بريدك الإلكتروني
mail-link-undo = الاحتفاظ ببريدك الإلكتروني؟
mail-link-undo-button = الاحتفاظ به
mail-link-undone = يبقى بريدك الإلكتروني كما كان
mail-link-undone-next = تم إنهاء جميع جلسات حسابك. يُرجى تغيير كلمة المرور الآن.
mail-link-invalid = لم يعد هذا الرابط صالحًا
mail-link-invalid-lead = لا يمكن استخدام رابط البريد الإلكتروني إلا مرة واحدة وخلال يوم واحد.
