# At a field.
error-missing = يُرجى ملء هذا الحقل
error-choice-missing = يُرجى اختيار أحد الخيارات
error-too-long = هذا النص طويل جدًا
error-characters = لا يمكن استخدام بعض هذه الأحرف. يُرجى كتابة النص من جديد
error-no-number = يجب أن تكون القيمة رقمًا
error-no-json = تتعذر قراءة النص. يجب أن يكون بصيغة JSON
error-code-missing = يُرجى إدخال الرمز الوارد في الرسالة
error-code-wrong = هذا الرمز غير صحيح أو قديم. يُرجى استخدام أحدث رسالة
error-password-missing = يُرجى إدخال كلمة مرور
error-current-password-missing = يُرجى إدخال كلمة المرور الحالية
error-current-password-wrong = هذه ليست كلمة المرور الحالية
error-confirm-first = يُرجى أولًا إثبات أنك صاحب الحساب
error-no-mail-address = يُرجى إدخال بريد إلكتروني، مثل name@example.com
error-mail-mismatch = هذا العنوان مختلف عن العنوان الذي أدخلته سابقًا
error-question-missing = يُرجى اختيار سؤال
error-own-question-missing = يُرجى إدخال سؤالك
error-question-twice = سبق أن اخترت هذا السؤال. يُرجى اختيار سؤال آخر
error-question-listed = هذا السؤال موجود في القائمة. يُرجى اختياره منها أو كتابة سؤال آخر
error-answer-missing = يُرجى إدخال الإجابة
error-answers-wrong = هذه الإجابات لا تطابق الإجابات التي قدمتها سابقًا
error-agreement-missing = يُرجى تحديد المربع للمتابعة
error-captcha-missing = يُرجى حل اختبار التحقق
error-captcha-wrong = لم يُحل اختبار التحقق. يُرجى المحاولة مرة أخرى
error-no-account = لم نعثر على هذا الحساب
error-no-account-name = يُرجى إدخال المعرّف المستخدم لتسجيل الدخول
error-link-missing = يُرجى لصق الرابط الوارد في الرسالة
error-no-link = هذا الرابط ليس من رسائلنا. يُرجى نسخ الرابط كاملًا

# At the whole form.
error-sign-in = اسم المستخدم أو كلمة المرور غير صحيحة
error-old-form = بقيت هذه الصفحة مفتوحة مدة طويلة. يُرجى التحقق مما أدخلته وإرساله مرة أخرى
error-something-missing = هناك بيانات ناقصة. يُرجى ملء كل ما هو مطلوب
error-too-long-in-all = النص طويل جدًا. يُرجى اختصاره
error-too-many = { $minutes ->
    [zero] محاولات كثيرة جدًا. يُرجى المحاولة مرة أخرى بعد قليل
    [one] محاولات كثيرة جدًا. يُرجى المحاولة مرة أخرى بعد دقيقة
    [two] محاولات كثيرة جدًا. يُرجى المحاولة مرة أخرى بعد دقيقتين
    [few] محاولات كثيرة جدًا. يُرجى المحاولة مرة أخرى بعد { $minutes } دقائق
    [many] محاولات كثيرة جدًا. يُرجى المحاولة مرة أخرى بعد { $minutes } دقيقة
   *[other] محاولات كثيرة جدًا. يُرجى المحاولة مرة أخرى بعد { $minutes } دقيقة
}
error-busy = الخادم مشغول. يُرجى المحاولة مرة أخرى بعد لحظات
error-unknown = لم ينجح ذلك. يُرجى التحقق مما أدخلته

# What policies ask.
policy-REQUIRED = يُرجى ملء هذا الحقل
policy-NOT_NULL = يُرجى ملء هذا الحقل
policy-UNIQUE = هذه القيمة مستخدمة بالفعل. يُرجى اختيار قيمة أخرى
policy-VALID_USERNAME = لا يمكن استخدام هذا الاسم. يُرجى اختيار اسم آخر
policy-MIN_LENGTH = { $minLength ->
    [zero] أي عدد من الأحرف
    [one] حرف واحد على الأقل
    [two] حرفان على الأقل
    [few] { $minLength } أحرف على الأقل
    [many] { $minLength } حرفًا على الأقل
   *[other] { $minLength } حرف على الأقل
}
policy-MAX_LENGTH = { $maxLength ->
    [zero] دون أي أحرف
    [one] حرف واحد على الأكثر
    [two] حرفان على الأكثر
    [few] { $maxLength } أحرف على الأكثر
    [many] { $maxLength } حرفًا على الأكثر
   *[other] { $maxLength } حرف على الأكثر
}
policy-AT_LEAST_X_CAPITAL_LETTERS = { $numCaps ->
    [zero] الأحرف الكبيرة غير مطلوبة
    [one] حرف كبير واحد على الأقل
    [two] حرفان كبيران على الأقل
    [few] { $numCaps } أحرف كبيرة على الأقل
    [many] { $numCaps } حرفًا كبيرًا على الأقل
   *[other] { $numCaps } حرف كبير على الأقل
}
policy-AT_LEAST_X_NUMBERS = { $numNums ->
    [zero] الأرقام غير مطلوبة
    [one] رقم واحد على الأقل
    [two] رقمان على الأقل
    [few] { $numNums } أرقام على الأقل
    [many] { $numNums } رقمًا على الأقل
   *[other] { $numNums } رقم على الأقل
}
policy-CANNOT_CONTAIN_OTHERS = ألا تحتوي على اسمك أو اسم المستخدم أو عنوانك
policy-CANNOT_CONTAIN_CHARACTERS = دون أي من هذه الأحرف: { $forbiddenChars }
policy-CANNOT_CONTAIN_DUPLICATES = دون تكرار
policy-VALID_EMAIL_ADDRESS_FORMAT = يُرجى إدخال بريد إلكتروني، مثل name@example.com
# A mark of direction in front keeps the groups of the number in their order.
policy-VALID_PHONE_FORMAT = يُرجى إدخال رقم هاتف، مثل { "\u200E" }+44 808 157 0192
policy-VALID_NAME_FORMAT = يُرجى إدخال اسم. بعض الأحرف غير مسموح بها
policy-VALID_DATE = يُرجى إدخال تاريخ
policy-VALID_FORMATTED_DATE = يُرجى إدخال تاريخ
policy-VALID_DATETIME = يُرجى إدخال تاريخ ووقت
policy-VALID_TIME = يُرجى إدخال وقت
policy-VALID_DURATION = يُرجى إدخال مدة
policy-VALID_NUMBER = يجب أن تكون القيمة رقمًا
policy-VALID_TYPE = نوع هذه القيمة غير مناسب
policy-VALID_ARRAY_ITEMS = نوع إحدى هذه القيم غير مناسب
policy-VALID_QUERY_FILTER = عامل التصفية غير صالح
policy-MATCH_REGEXP = الصيغة غير صحيحة
policy-ENUM_VALUE = يُرجى اختيار إحدى القيم المعروضة
policy-IS_NEW = ألا تكون كلمة مرور استخدمتها من قبل
policy-MINIMUM_NUMBER_VALUE = هذه القيمة صغيرة جدًا
policy-MAXIMUM_NUMBER_VALUE = هذه القيمة كبيرة جدًا
policy-PASSWORD_BLACKLISTED = ألا تكون كلمة مرور شائعة الاستخدام
policy-DICTIONARY = ألا تكون كلمة من القاموس
policy-LENGTH_BASED = كلمة مرور بالطول المناسب
policy-REPEATED_CHARACTERS = دون تكرار الحرف نفسه مرات كثيرة
policy-CHARACTER_SET = أحرف من أنواع مختلفة
policy-other = قيمة تقبلها هذه الخدمة

# Dead ends.
end-not-found-title = الصفحة غير موجودة
end-not-found-lead = يُرجى التحقق من العنوان، أو الانتقال إلى الصفحة الرئيسية.
end-unreadable-title = تعذّرت قراءة هذا العنوان
end-unreadable-lead = ربما لم يُنسخ كاملًا. يُرجى نسخ الرابط كاملًا من الرسالة، أو الانتقال إلى الصفحة الرئيسية.
end-forbidden-title = الوصول غير مسموح به
end-forbidden-lead = لا يسمح حسابك بعرض هذه الصفحة.
end-off-title = هذه الميزة غير متاحة
end-off-lead = لا تقدمها هذه الخدمة في الوقت الحالي.
end-expired-title = انتهت صلاحية هذا الرابط
end-expired-lead = حفاظًا على أمانك، لا يصلح الرابط إلا مدة قصيرة. يمكنك البدء من جديد.
end-used-title = تم ذلك بالفعل
end-used-lead = اكتملت هذه الخطوة هنا أو في نافذة أخرى أو على جهاز آخر. لا يمكن استخدام الرابط إلا مرة واحدة.
end-foreign-title = هذا الرابط غير صالح
end-foreign-lead = ربما لم يُنسخ كاملًا، أو أنه يخص شيئًا آخر. يُرجى نسخ الرابط كاملًا من الرسالة، أو طلب رابط جديد.
end-changed-title = تغيّرت الخدمة
end-changed-lead = تم تعديل الخدمة بعد أن بدأت. يُرجى البدء من جديد.
end-forgotten-title = يُرجى البدء من جديد
end-forgotten-lead = هذه الصفحة تخص متصفحًا آخر، أو بقيت مفتوحة مدة طويلة.
end-too-many-title = محاولات كثيرة جدًا
end-too-many-lead = { $minutes ->
    [zero] يُرجى المحاولة مرة أخرى بعد قليل.
    [one] يُرجى المحاولة مرة أخرى بعد دقيقة.
    [two] يُرجى المحاولة مرة أخرى بعد دقيقتين.
    [few] يُرجى المحاولة مرة أخرى بعد { $minutes } دقائق.
    [many] يُرجى المحاولة مرة أخرى بعد { $minutes } دقيقة.
   *[other] يُرجى المحاولة مرة أخرى بعد { $minutes } دقيقة.
}
end-busy-title = الخادم مشغول
end-busy-lead = يُرجى المحاولة مرة أخرى بعد لحظات. لم يُفقد أي شيء.
end-old-form-title = بقيت هذه الصفحة مفتوحة مدة طويلة
end-old-form-lead = لم يتغير شيء. يُرجى العودة وإعادة تحميل الصفحة والمحاولة مرة أخرى.
end-too-large-title = النص طويل جدًا
end-too-large-lead = لم يتغير شيء. عند العودة، لا يزال ما أدخلته موجودًا. يُرجى اختصاره وإرساله مرة أخرى.
end-method-title = لا يمكن لهذه الصفحة تنفيذ ذلك
end-method-lead = الصفحات للعرض، والنماذج للإرسال. لم يتغير شيء.
end-type-title = لا يمكن لهذه الصفحة تنفيذ ذلك
end-type-lead = لا تقبل هذه الصفحة إلا النماذج. لم يتغير شيء.
end-conflict-title = حدث تغيير في هذه الأثناء
end-conflict-lead = تم تعديل البيانات نفسها، ربما من قِبلك في نافذة أخرى. يُرجى مراجعتها والمحاولة مرة أخرى.
end-failed-title = حدث خطأ ما
end-failed-lead = الخطأ من جانبنا، وقد تم تسجيله. يُرجى المحاولة مرة أخرى لاحقًا.
end-again = إرسال رابط جديد
end-begin-again = البدء من جديد
end-home = الانتقال إلى الصفحة الرئيسية
