// The functions of the product's own policy script, for policies of a project that call or name them: by the same names, with the same arguments
// and the same form of answers. What the product's policies themselves ask is decided natively.
(function (global) {
    'use strict';
    const harness = global[Symbol.for('policies')], ask = global.openidm.query;
    const good = [];

    function fails(requirement, params) {
        return [params === undefined ? {policyRequirement: requirement} : {policyRequirement: requirement, params: params}];
    }
    function isFilled(value) { return typeof value === 'string' && value.length > 0; }
    function list(value) { return Array.isArray(value) ? value : value === undefined || value === null ? [] : String(value).split(','); }

    // A check of text, which what is missing and must be there fails, too.
    function ofText(requirement, holds, shown) {
        return function (fullObject, value, params) {
            const text = typeof value === 'number' ? String(value) : value;
            if (!isFilled(text) && !harness.missing(this)) return good;
            return holds(isFilled(text) ? text : '', params || {}) ? good : fails(requirement, shown && shown(params || {}));
        };
    }
    function count(text, pattern) { return (text.match(pattern) || []).length; }
    function isNumber(value) { return value === '' || value !== null && typeof value !== 'object' && Number.isFinite(Number(value)); }
    function bound(params, word) {
        const key = Object.keys(params || {}).find(function (name) { return name.toLowerCase().startsWith(word); });
        return Number(params[key]);
    }
    function typeOf(value) { return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value; }

    function taken(path, query, id) {
        return ask(path, query, ['_id']).result.some(function (found) { return found._id !== id; });
    }
    function quoted(value) { return '"' + String(value).replace(/[\\"]/g, '\\$&') + '"'; }
    function isTaken(value, params, property) {
        if (!isFilled(value)) return false;
        const given = params && params.query, query = given ? Object.assign({}, given) : {};
        if (given) query[given.valueField] = value;
        else query._queryFilter = property.split('/').pop() + ' eq ' + quoted(value);
        return taken(params && params.resourcePath || String(global.resourceName.parent()), query, global.resourceName.leaf());
    }
    function isInternal(value) { return isFilled(value) && taken('internal/user', {_queryFilter: '_id eq ' + quoted(value)}, ''); }

    harness.product({
        required: function (fullObject, value) { return value === undefined ? fails('REQUIRED') : good; },
        notEmpty: function (fullObject, value) {
            const empty = value === null || value !== undefined && Object.prototype.hasOwnProperty.call(Object(value), 'length') && !value.length;
            return empty ? fails('REQUIRED') : good;
        },
        notNull: function (fullObject, value) { return value === null ? fails('REQUIRED') : good; },
        unique: function (fullObject, value, params, property) { return isTaken(value, params, property) ? fails('UNIQUE') : good; },
        noInternalUserConflict: function (fullObject, value) { return isInternal(value) ? fails('UNIQUE') : good; },
        validUsername: function (fullObject, value, params, property) {
            return isTaken(value, params, property) || isInternal(value) ? fails('VALID_USERNAME') : good;
        },
        regexpMatches: function (fullObject, value, params) {
            const matches = function (text) { return new RegExp(params.regexp, params.flags || '').test(text); };
            const failed = ofText('MATCH_REGEXP', matches).call(this, fullObject, value, params);
            return failed.length ? [{policyRequirement: 'MATCH_REGEXP', regexp: params.regexp, params: params, flags: params.flags}] : good;
        },
        validType: function (fullObject, value, params) {
            const types = list(params.types), type = typeOf(value);
            const holds = value === undefined || types.includes(type) || type === 'number' && types.includes('integer') && Number.isInteger(value);
            return holds ? good : fails('VALID_TYPE', {invalidType: type, validTypes: types});
        },
        validArrayItems: function (fullObject, value) {
            const holds = !Array.isArray(value) || value.every(function (item) { return item !== null && item !== ''; });
            return holds ? good : fails('VALID_ARRAY_ITEMS');
        },
        validDate: ofText('VALID_DATE', function (text) { return !Number.isNaN(new Date(text).getTime()); }),
        validDatetime: ofText('VALID_DATETIME', function (text) { return /[T ]/i.test(text) && !Number.isNaN(new Date(text).getTime()); }),
        validEmailAddressFormat: ofText('VALID_EMAIL_ADDRESS_FORMAT', function (text) { return /^[^@\s]+@[^@\s]+\.[^@\s.]+$/.test(text); }),
        validNameFormat: ofText('VALID_NAME_FORMAT', function (text) { return /^[\p{L}\p{M} '’.,·-]*\p{L}[\p{L}\p{M} '’.,·-]*$/u.test(text); }),
        validPhoneFormat: ofText('VALID_PHONE_FORMAT', function (text) { return /^\+?([0-9\- ()])*$/.test(text); }),
        validNumber: function (fullObject, value) { return value === undefined || isNumber(value) ? good : fails('VALID_NUMBER'); },
        minimumNumber: function (fullObject, value, params) {
            return value === undefined || value === '' || Number(value) >= bound(params, 'min') ? good : fails('MINIMUM_NUMBER_VALUE', params);
        },
        maximumNumber: function (fullObject, value, params) {
            return value === undefined || value === '' || Number(value) <= bound(params, 'max') ? good : fails('MAXIMUM_NUMBER_VALUE', params);
        },
        atLeastXCapitalLetters: ofText('AT_LEAST_X_CAPITAL_LETTERS', function (text, params) { return count(text, /\p{Lu}/gu) >= Number(params.numCaps); },
            function (params) { return {numCaps: params.numCaps}; }),
        atLeastXNumbers: ofText('AT_LEAST_X_NUMBERS', function (text, params) { return count(text, /\d/g) >= Number(params.numNums); },
            function (params) { return {numNums: params.numNums}; }),
        minLength: ofText('MIN_LENGTH', function (text, params) { return Array.from(text).length >= Number(params.minLength); },
            function (params) { return {minLength: params.minLength}; }),
        maxLength: ofText('MAX_LENGTH', function (text, params) { return Array.from(text).length <= Number(params.maxLength); },
            function (params) { return {maxLength: params.maxLength}; }),
        cannotContainOthers: function (fullObject, value, params) {
            const within = isFilled(value) ? value.toLowerCase() : '';
            const other = list(params.disallowedFields).map(function (name) { return name.trim(); }).find(function (name) {
                return within !== '' && isFilled(fullObject[name]) && within.includes(fullObject[name].toLowerCase());
            });
            return other === undefined ? good : fails('CANNOT_CONTAIN_OTHERS', {disallowedFields: other});
        },
        cannotContainCharacters: function (fullObject, value, params) {
            const forbidden = Array.from(params.forbiddenChars || []);
            const found = isFilled(value) && forbidden.some(function (text) { return value.includes(text); });
            return found ? fails('CANNOT_CONTAIN_CHARACTERS', {forbiddenChars: forbidden.join(', ')}) : good;
        },
        cannotContainDuplicates: function (fullObject, value) {
            const all = isFilled(value) || Array.isArray(value) ? Array.from(value) : [];
            const twice = all.find(function (item, at) { return all.indexOf(item) !== at; });
            return twice === undefined ? good : fails('CANNOT_CONTAIN_DUPLICATES', {duplicateValue: twice});
        },
        enumValue: function (fullObject, value, params) {
            return value === undefined || value === null || list(params.values).includes(value) ? good : fails('ENUM_VALUE', params);
        },
        maxAttemptsTriggersLockCooldown: function (fullObject, value, params) {
            const last = new Date(fullObject[params.dateTimeField]).getTime();
            const locked = value > params.max && last + 60000 * params.numMinutes > Date.now();
            return locked ? fails('NO_MORE_THAN_X_ATTEMPTS_WITHIN_Y_MINUTES', {max: params.max, numMinutes: params.numMinutes}) : good;
        }
    });
}(globalThis))
