# At a field.
error-missing = Rellene este campo
error-choice-missing = Elija una opción
error-too-long = Es demasiado largo
error-characters = Algunos de estos caracteres no se pueden usar. Escríbalo de nuevo
error-no-number = Debe ser un número
error-no-json = No se puede leer. Debe ser JSON
error-code-missing = Escriba el código del correo
error-code-wrong = Este código es incorrecto o demasiado antiguo. Use el del último correo
error-password-missing = Escriba una contraseña
error-current-password-missing = Escriba su contraseña actual
error-current-password-wrong = Esta no es su contraseña actual
error-confirm-first = Demuestre primero que es usted
error-no-mail-address = Escriba un correo electrónico, por ejemplo nombre@example.com
error-mail-mismatch = Esta dirección no es la que indicó antes
error-question-missing = Elija una pregunta
error-own-question-missing = Escriba su pregunta
error-question-twice = Ya eligió esta pregunta. Elija otra
error-question-listed = Esta pregunta está en la lista. Elíjala allí o escriba otra
error-answer-missing = Escriba la respuesta
error-answers-wrong = Estas respuestas no son las que usted dio
error-agreement-missing = Marque la casilla para continuar
error-captcha-missing = Resuelva el captcha
error-captcha-wrong = El captcha no se ha resuelto. Inténtelo de nuevo
error-no-account = No encontramos esta cuenta
error-no-account-name = Escriba los datos con los que inicia sesión
error-link-missing = Pegue el enlace del correo
error-no-link = Este enlace no es de nuestros correos. Cópielo entero

# At the whole form.
error-sign-in = El nombre de usuario o la contraseña no son correctos
error-old-form = Esta página ha estado abierta demasiado tiempo. Compruebe lo que escribió y envíelo de nuevo
error-something-missing = Falta algo. Rellene todo lo necesario
error-too-long-in-all = Es demasiado texto. Acórtelo
error-too-many = { $minutes ->
    [one] Demasiados intentos. Inténtelo de nuevo dentro de un minuto
   *[other] Demasiados intentos. Inténtelo de nuevo dentro de { $minutes } minutos
}
error-busy = El servidor está ocupado. Inténtelo de nuevo en un momento
error-unknown = No ha funcionado. Compruebe lo que escribió

# What policies ask.
policy-REQUIRED = Rellene este campo
policy-NOT_NULL = Rellene este campo
policy-UNIQUE = Ya está en uso. Elija otro valor
policy-VALID_USERNAME = Este nombre no se puede usar. Elija otro
policy-MIN_LENGTH = { $minLength ->
    [one] Al menos un carácter
   *[other] Al menos { $minLength } caracteres
}
policy-MAX_LENGTH = { $maxLength ->
    [one] Como máximo un carácter
   *[other] Como máximo { $maxLength } caracteres
}
policy-AT_LEAST_X_CAPITAL_LETTERS = { $numCaps ->
    [one] Al menos una mayúscula
   *[other] Al menos { $numCaps } mayúsculas
}
policy-AT_LEAST_X_NUMBERS = { $numNums ->
    [one] Al menos un dígito
   *[other] Al menos { $numNums } dígitos
}
policy-CANNOT_CONTAIN_OTHERS = Sin su nombre, su nombre de usuario ni su dirección
policy-CANNOT_CONTAIN_CHARACTERS = Ninguno de estos caracteres: { $forbiddenChars }
policy-CANNOT_CONTAIN_DUPLICATES = Nada repetido
policy-VALID_EMAIL_ADDRESS_FORMAT = Escriba un correo electrónico, por ejemplo nombre@example.com
policy-VALID_PHONE_FORMAT = Escriba un número de teléfono, por ejemplo +44 808 157 0192
policy-VALID_NAME_FORMAT = Escriba un nombre. Algunos caracteres no están permitidos
policy-VALID_DATE = Escriba una fecha
policy-VALID_FORMATTED_DATE = Escriba una fecha
policy-VALID_DATETIME = Escriba una fecha y una hora
policy-VALID_TIME = Escriba una hora
policy-VALID_DURATION = Escriba una duración
policy-VALID_NUMBER = Debe ser un número
policy-VALID_TYPE = Este tipo de valor no es válido
policy-VALID_ARRAY_ITEMS = Uno de estos valores no es válido
policy-VALID_QUERY_FILTER = Este filtro no es válido
policy-MATCH_REGEXP = El formato no es el necesario
policy-ENUM_VALUE = Elija uno de los valores que se ofrecen
policy-IS_NEW = Distinta de sus contraseñas anteriores
policy-MINIMUM_NUMBER_VALUE = Es demasiado pequeño
policy-MAXIMUM_NUMBER_VALUE = Es demasiado grande
policy-PASSWORD_BLACKLISTED = No una contraseña muy común
policy-DICTIONARY = No una palabra del diccionario
policy-LENGTH_BASED = Una contraseña de la longitud correcta
policy-REPEATED_CHARACTERS = No el mismo carácter muchas veces
policy-CHARACTER_SET = Caracteres de varios tipos
policy-other = Un valor que este servicio acepte

# Dead ends.
end-not-found-title = Página no encontrada
end-not-found-lead = Compruebe la dirección o vaya a la página de inicio.
end-unreadable-title = No se puede leer esta dirección
end-unreadable-lead = Quizá esté incompleta. Copie el enlace entero del correo o vaya a la página de inicio.
end-forbidden-title = Acceso no permitido
end-forbidden-lead = Su cuenta no permite ver esta página.
end-off-title = No está disponible
end-off-lead = Este servicio no lo ofrece en este momento.
end-expired-title = Este enlace ha caducado
end-expired-lead = Por su seguridad, solo es válido durante poco tiempo. Puede empezar de nuevo.
end-used-title = Esto ya está hecho
end-used-lead = Se completó aquí, en otra ventana o en otro dispositivo. Un enlace solo se puede usar una vez.
end-foreign-title = Este enlace no es válido
end-foreign-lead = Quizá esté incompleto o pertenezca a otra cosa. Copie el enlace entero del correo o pida uno nuevo.
end-changed-title = Esto ha cambiado
end-changed-lead = El servicio se ha modificado desde que usted empezó. Empiece de nuevo, por favor.
end-forgotten-title = Empiece de nuevo, por favor
end-forgotten-lead = Esta página pertenece a otro navegador o ha estado abierta demasiado tiempo.
end-too-many-title = Demasiados intentos
end-too-many-lead = { $minutes ->
    [one] Inténtelo de nuevo dentro de un minuto.
   *[other] Inténtelo de nuevo dentro de { $minutes } minutos.
}
end-busy-title = El servidor está ocupado
end-busy-lead = Inténtelo de nuevo en un momento. No se ha perdido nada.
end-old-form-title = Esta página ha estado abierta demasiado tiempo
end-old-form-lead = No se ha cambiado nada. Vuelva atrás, recargue la página e inténtelo de nuevo.
end-too-large-title = Es demasiado texto
end-too-large-lead = No se ha cambiado nada. Vuelva atrás: lo que escribió sigue ahí. Acórtelo y envíelo de nuevo.
end-method-title = Esta página no puede hacer eso
end-method-lead = Las páginas se leen y los formularios se envían. No se ha cambiado nada.
end-type-title = Esta página no puede hacer eso
end-type-lead = Solo acepta formularios. No se ha cambiado nada.
end-conflict-title = Ha habido un cambio entretanto
end-conflict-lead = Alguien, quizá usted en otra ventana, ha cambiado los mismos datos. Revíselos e inténtelo de nuevo.
end-failed-title = Algo ha salido mal
end-failed-lead = Es un fallo nuestro y ha quedado registrado. Inténtelo de nuevo más tarde.
end-again = Enviar un nuevo enlace
end-begin-again = Empezar de nuevo
end-home = Ir a la página de inicio
