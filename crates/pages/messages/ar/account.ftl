# The account of somebody who is signed in.
account-title = حسابك
account-hello = مرحبًا { $name }
account-ways = ما يمكنك فعله
account-owed-lead = { $count ->
    [zero] يمكنك المتابعة الآن.
    [one] قبل المتابعة، هناك أمر واحد يتطلب انتباهك.
    [two] قبل المتابعة، هناك أمران يتطلبان انتباهك.
    [few] قبل المتابعة، هناك { $count } أمور تتطلب انتباهك.
    [many] قبل المتابعة، هناك { $count } أمرًا يتطلب انتباهك.
   *[other] قبل المتابعة، هناك { $count } أمر يتطلب انتباهك.
}
account-no-profile = هذا الحساب خاص بالخدمة نفسها، وليس له ملف شخصي يمكن تعديله هنا.
account-complete = اكتمل ملفك الشخصي بنسبة { $percent }%
account-missing = لا يزال بإمكانك إضافة ما يلي:
profile = الملف الشخصي
profile-about = اسمك وعنوانك وتفضيلاتك.
password-about = اختيار كلمة مرور جديدة.
sessions = أماكن تسجيل دخولك
sessions-about = الاطلاع على أجهزتك وتسجيل الخروج من الأجهزة غير المعروفة لك.
notifications = الإشعارات
notifications-about = { $count ->
    [zero] ليست لديك إشعارات.
    [one] لديك إشعار واحد.
    [two] لديك إشعاران.
    [few] لديك { $count } إشعارات.
    [many] لديك { $count } إشعارًا.
   *[other] لديك { $count } إشعار.
}
back-to-profile = العودة إلى ملفك الشخصي
personal = البيانات الشخصية
change-personal = تعديل بياناتك الشخصية
change-mail = تغيير البريد الإلكتروني
safety = الأمان
change-password = تغيير كلمة المرور
change-questions = تغيير أسئلة الأمان
change-preferences = تغيير تفضيلاتك
your-data = بياناتك
download = تنزيل بياناتك
delete-account = حذف حسابك
switched-on = نعم
switched-off = لا
nothing = غير محدد
current-password = كلمة المرور الحالية
new-mail = البريد الإلكتروني الجديد
mail-pending = أرسلنا رسالة إلى { $mail }. يصبح العنوان الجديد ساريًا عند فتح الرابط الوارد فيها أو إدخال الرمز.
mail-code-hint = الرمز الوارد في الرسالة المرسلة إلى العنوان الجديد
mail-confirm = تأكيد العنوان الجديد
mail-cancel = الاحتفاظ بالعنوان الحالي
mail-other = استخدام عنوان آخر

# Forms.
edit-personal-title = بياناتك الشخصية
edit-mail-title = بريدك الإلكتروني
edit-mail-lead = سنرسل رسالة إلى العنوان الجديد، ويصبح ساريًا بعد تأكيده.
edit-password-title = تغيير كلمة المرور
edit-password-lead = عند حفظها، سيتم تسجيل خروجك من جميع الأجهزة الأخرى.
set-password = تعيين كلمة مرور
confirm-lead = لا توجد كلمة مرور لحسابك. يُرجى إثبات أنك صاحب الحساب مرة أخرى، ثم المتابعة.
confirm-with = التأكيد باستخدام { $name }
confirm-by-mail = تعيين كلمة مرور عبر البريد الإلكتروني بدلًا من ذلك
confirm-none = لا توجد كلمة مرور لحسابك، ولا توجد هنا طريقة لإثبات أنك صاحب الحساب. يُرجى التواصل مع القائمين على هذه الخدمة.
confirm-done = لقد أثبتَّ أنك صاحب الحساب. يسري ذلك لمدة خمس دقائق.
edit-questions-title = أسئلة الأمان
edit-questions-lead = نطرحها عليك إذا نسيت كلمة المرور. تحل الأسئلة الجديدة محل الأسئلة السابقة.
edit-preferences-title = تفضيلاتك
edit-delete-title = حذف حسابك
edit-delete-lead = سيُحذف الحساب وكل ما فيه. لا يمكن التراجع عن ذلك.
edit-delete-button = حذف الحساب

# What was done.
done-personal = تم حفظ بياناتك الشخصية.
done-mail = أرسلنا رسالة إلى العنوان الجديد. يُرجى فتح الرابط الوارد فيها لتأكيده.
done-mail-confirmed = تم تأكيد بريدك الإلكتروني الجديد.
done-mail-cancelled = سيبقى بريدك الإلكتروني كما هو.
done-password = تم تغيير كلمة المرور.
done-questions = تم حفظ أسئلة الأمان.
done-preferences = تم حفظ تفضيلاتك.
done-consent = تم حفظ اختيارك.

# Sessions.
sessions-lead = هل بينها جلسة غير معروفة لك؟ يُرجى إنهاؤها وتغيير كلمة المرور.
session-from = من العنوان
session-since = منذ
session-used = آخر استخدام
session-ended = تم تسجيل خروجك من هناك.
this-session = الجلسة الحالية
unknown-browser = متصفح غير معروف
end-session = إنهاء هذه الجلسة
end-others = إنهاء جميع الجلسات الأخرى

# Notifications.
no-notifications = ليست لديك إشعارات.
dismiss = إزالة
dismiss-all = إزالة الكل
notice-password = تم تغيير كلمة المرور.
notice-profile = تم تعديل ملفك الشخصي.

# Sharing of data.
sharing = مشاركة بياناتك
sharing-lead = لا نشارك بياناتك إلا بموافقتك.
sharing-fields = البيانات المشاركة:
sharing-comma = { "، " }
sharing-since = وافقت في
sharing-not = لم توافق بعد.
sharing-begin = موافقة
sharing-end = إيقاف المشاركة
sharing-none = لا تتم مشاركة بياناتك مع أي جهة.
