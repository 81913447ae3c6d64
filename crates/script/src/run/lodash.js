// What scripts get from require('lib/lodash'), in the dialect of Lodash 3, which the product brings. Evaluated when it is required.
'use strict';

const none = function () {}, identity = function (value) { return value; };
const is = {
    isArray: Array.isArray,
    isArguments: function (value) { return tag(value) === 'Arguments'; },
    isBoolean: function (value) { return value === true || value === false || tag(value) === 'Boolean'; },
    isDate: function (value) { return tag(value) === 'Date'; },
    isError: function (value) { return value instanceof Error; },
    isFinite: function (value) { return typeof value === 'number' && Number.isFinite(value); },
    isFunction: function (value) { return typeof value === 'function'; },
    isNaN: function (value) { return is.isNumber(value) && value !== value; },
    isNull: function (value) { return value === null; },
    isNumber: function (value) { return typeof value === 'number' || tag(value) === 'Number'; },
    isObject: function (value) { return value !== null && (typeof value === 'object' || typeof value === 'function'); },
    isPlainObject: function (value) {
        if (tag(value) !== 'Object') return false;
        const parent = Object.getPrototypeOf(value);
        return parent === null || parent === Object.prototype;
    },
    isRegExp: function (value) { return tag(value) === 'RegExp'; },
    isString: function (value) { return typeof value === 'string' || tag(value) === 'String'; },
    isUndefined: function (value) { return value === undefined; }
};
function tag(value) { return Object.prototype.toString.call(value).slice(8, -1); }
function own(object, key) { return object !== null && object !== undefined && Object.prototype.hasOwnProperty.call(object, key); }
function isList(value) { return value !== null && value !== undefined && typeof value !== 'function' && Number.isInteger(value.length) && value.length >= 0; }
function list(value) { return isList(value) ? Array.from(value) : []; }
function keys(object) { return object === null || object === undefined ? [] : Object.keys(Object(object)); }
function values(collection) { return isList(collection) ? Array.from(collection) : keys(collection).map(function (key) { return collection[key]; }); }
function text(value) { return value === null || value === undefined ? '' : String(value); }
function put(object, key, value) { Object.defineProperty(object, key, {value: value, writable: true, enumerable: true, configurable: true}); }

function steps(path) {
    if (Array.isArray(path)) return path;
    const found = [];
    String(path).replace(/[^.[\]]+|\[(?:(-?\d+)|(["'])(.*?)\2)\]/g, function (whole, index, quote, quoted) {
        found.push(quote ? quoted : index !== undefined ? index : whole);
        return '';
    });
    return found;
}
function get(object, path, otherwise) {
    const way = own(object, path) ? [path] : steps(path);
    let value = object;
    for (const step of way) value = value === null || value === undefined ? undefined : value[step];
    return value === undefined || way.length === 0 ? otherwise : value;
}
function has(object, path) {
    if (own(object, path)) return true;
    const way = steps(path), last = way.pop();
    const holder = way.length ? get(object, way) : object;
    return last !== undefined && own(holder, last);
}
function set(object, path, value) {
    if (!is.isObject(object)) return object;
    const way = own(object, path) ? [path] : steps(path);
    let place = object;
    way.forEach(function (step, at) {
        if (at === way.length - 1) put(place, step, value);
        else {
            if (!own(place, step) || !is.isObject(place[step])) put(place, step, /^\d+$/.test(way[at + 1]) ? [] : {});
            place = place[step];
        }
    });
    return object;
}

function isEqual(left, right, pairs) {
    if (left === right || (left !== left && right !== right)) return true;
    if (!is.isObject(left) || !is.isObject(right) || tag(left) !== tag(right)) return false;
    if (is.isDate(left)) return left.getTime() === right.getTime();
    if (is.isRegExp(left)) return String(left) === String(right);
    if (['Boolean', 'Number', 'String'].indexOf(tag(left)) >= 0) return isEqual(left.valueOf(), right.valueOf());
    if (is.isFunction(left)) return false;
    const known = pairs || [];
    if (known.some(function (pair) { return pair[0] === left && pair[1] === right; })) return true;
    known.push([left, right]);
    const names = Object.keys(left);
    const same = names.length === Object.keys(right).length && (!isList(left) || left.length === right.length)
        && names.every(function (name) { return own(right, name) && isEqual(left[name], right[name], known); });
    known.pop();
    return same;
}
function isMatch(object, source) {
    return keys(source).every(function (key) {
        if (!own(object, key)) return source[key] === undefined && object !== null && object !== undefined && key in Object(object);
        const wanted = source[key];
        if (Array.isArray(wanted)) return Array.isArray(object[key]) && wanted.every(function (one) {
            return object[key].some(function (present) { return is.isObject(one) ? isMatch(present, one) : isEqual(present, one); });
        });
        return is.isPlainObject(wanted) ? isMatch(object[key], wanted) : isEqual(object[key], wanted);
    });
}
// What may stand in the place of a function: the path of a property, with or without its value, or an object to match.
function callback(given, bound, isPath) {
    if (given === undefined || given === null) return identity;
    if (typeof given === 'function') return bound === undefined ? given : given.bind(bound);
    if (typeof given === 'object' && !Array.isArray(given)) return function (object) { return isMatch(object, given); };
    if (isPath || bound === undefined) return function (object) { return get(object, given); };
    return function (object) { return isEqual(get(object, given), bound); };
}
function clone(value, deep, custom, seen) {
    if (custom) {
        const made = custom(value);
        if (made !== undefined) return made;
    }
    if (!is.isObject(value) || is.isFunction(value)) return value;
    if (is.isDate(value)) return new Date(value.getTime());
    if (is.isRegExp(value)) return new RegExp(value.source, value.flags);
    const known = seen || new Map();
    if (known.has(value)) return known.get(value);
    const copy = isList(value) && !is.isString(value) ? [] : {};
    known.set(value, copy);
    for (const key of Object.keys(value)) put(copy, key, deep ? clone(value[key], true, custom, known) : value[key]);
    return copy;
}
function merge(target, source) {
    for (const key of keys(source)) {
        const value = source[key];
        if (Array.isArray(value) || is.isPlainObject(value)) {
            const there = own(target, key) ? target[key] : undefined;
            const fits = Array.isArray(value) ? Array.isArray(there) : is.isPlainObject(there);
            put(target, key, merge(fits ? there : Array.isArray(value) ? [] : {}, value));
        } else if (value !== undefined) put(target, key, value);
    }
    return target;
}
function flatten(array, deep) {
    return list(array).reduce(function (all, one) { return all.concat(Array.isArray(one) ? (deep ? flatten(one, true) : one) : [one]); }, []);
}
function each(collection, visit, bound) {
    const call = callback(visit, bound);
    if (isList(collection)) {
        for (let at = 0; at < collection.length; at++) if (call(collection[at], at, collection) === false) break;
    } else for (const key of keys(collection)) if (call(collection[key], key, collection) === false) break;
    return collection;
}
function entries(collection) {
    return isList(collection) ? Array.from(collection, function (value, at) { return [at, value]; })
        : keys(collection).map(function (key) { return [key, collection[key]]; });
}
function filter(collection, wanted, bound) {
    const call = callback(wanted, bound);
    return entries(collection).filter(function (entry) { return call(entry[1], entry[0], collection); }).map(function (entry) { return entry[1]; });
}
function map(collection, change, bound) {
    const call = callback(change, bound);
    return entries(collection).map(function (entry) { return call(entry[1], entry[0], collection); });
}
function entryOf(collection, wanted, bound, backwards) {
    const call = callback(wanted, bound), all = entries(collection);
    if (backwards) all.reverse();
    return all.find(function (entry) { return call(entry[1], entry[0], collection); });
}
function reduce(collection, join, first, started, all) {
    const call = join === undefined || join === null ? identity : join;
    let result = first, begun = started;
    for (const entry of all) {
        if (begun) result = call(result, entry[1], entry[0], collection);
        else { result = entry[1]; begun = true; }
    }
    return result;
}
function equals(left, right) { return left === right || (left !== left && right !== right); }
function within(array, value) { return array.some(function (one) { return equals(one, value); }); }
function uniq(array, sorted, change, bound) {
    const given = typeof sorted === 'boolean' || sorted === null || sorted === undefined ? change : sorted;
    const call = callback(given, given === sorted ? change : bound), seen = [];
    return list(array).filter(function (value, at) {
        const key = call(value, at, array);
        if (within(seen, key)) return false;
        seen.push(key);
        return true;
    });
}
function compare(left, right) {
    if (left === right) return 0;
    if (left === undefined || left !== left) return 1;
    if (right === undefined || right !== right) return -1;
    if (left === null) return 1;
    if (right === null) return -1;
    return left < right ? -1 : left > right ? 1 : 0;
}
function orderBy(collection, wanted, orders) {
    const calls = list(wanted).map(function (one) { return callback(one); });
    const rows = entries(collection).map(function (entry) {
        return {value: entry[1], by: calls.map(function (call) { return call(entry[1], entry[0], collection); })};
    });
    rows.sort(function (left, right) {
        for (let at = 0; at < calls.length; at++) {
            const order = compare(left.by[at], right.by[at]);
            if (order) return orders && (orders[at] === false || orders[at] === 'desc') ? -order : order;
        }
        return 0;
    });
    return rows.map(function (row) { return row.value; });
}
function grouped(collection, change, bound, add) {
    const call = callback(change, bound), groups = {};
    entries(collection).forEach(function (entry) { add(groups, String(call(entry[1], entry[0], collection)), entry[1]); });
    return groups;
}
function chosen(object, given, keeps) {
    const result = {}, first = given[0];
    const names = typeof first === 'function' ? null : flatten(given, true).map(String);
    for (const key in Object(object)) {
        const wanted = names ? names.indexOf(key) >= 0 : first.call(given[1], object[key], key, object);
        if (Boolean(wanted) === keeps) put(result, key, object[key]);
    }
    return result;
}
function slice(array, from, to) { return list(array).slice(from, to); }
function count(given, otherwise) { return given === undefined || given === null ? otherwise : Math.max(0, given); }
function best(collection, change, bound, better) {
    const call = callback(change, bound);
    let found, by;
    entries(collection).forEach(function (entry) {
        const value = call(entry[1], entry[0], collection);
        if (value !== null && value !== undefined && value === value && (by === undefined || better(value, by))) { found = entry[1]; by = value; }
    });
    return by === undefined ? (better(1, 2) ? Infinity : -Infinity) : found;
}
function assign(target) {
    const sources = Array.prototype.slice.call(arguments, 1);
    const custom = sources.length > 1 && typeof sources[sources.length - 1] === 'function' ? sources.pop() : null;
    const result = is.isObject(target) ? target : {};
    for (const source of sources) {
        for (const key of keys(source)) put(result, key, custom ? custom(result[key], source[key], key, result, source) : source[key]);
    }
    return result;
}
function rounded(round, value, digits) { const by = Math.pow(10, digits || 0); return round(value * by) / by; }
function words(value) { return text(value).match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\x00-\x7f]+/g) || []; }
function capitalize(value) { return text(value).charAt(0).toUpperCase() + text(value).slice(1); }
function pad(value, length, fill, front, back) {
    const missing = Math.max(0, count(length, 0) - text(value).length), filling = fill === undefined ? ' ' : String(fill);
    const before = front && back ? Math.floor(missing / 2) : front ? missing : 0;
    const part = function (size) { return filling === '' ? '' : filling.repeat(Math.ceil(size / filling.length)).slice(0, size); };
    return part(before) + text(value) + part(missing - before);
}
function trimmed(value, characters, front, back) {
    const all = characters === undefined || characters === null ? null : Array.from(String(characters));
    const gone = function (one) { return all ? all.indexOf(one) >= 0 : /\s/.test(one); };
    const left = Array.from(text(value));
    while (front && left.length && gone(left[0])) left.shift();
    while (back && left.length && gone(left[left.length - 1])) left.pop();
    return left.join('');
}
const ENTITIES = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '`': '&#96;'};

// What ends a chain that nobody began expressly: its result is no collection.
const ending = Object.assign({
    contains: function (collection, wanted, from) {
        const start = from || 0;
        return is.isString(collection) ? collection.indexOf(wanted, start) >= 0 : within(values(collection).slice(start), wanted);
    },
    every: function (collection, wanted, bound) { return filter(collection, wanted, bound).length === entries(collection).length; },
    some: function (collection, wanted, bound) { return entryOf(collection, wanted, bound) !== undefined; },
    find: function (collection, wanted, bound) { return (entryOf(collection, wanted, bound) || [])[1]; },
    findLast: function (collection, wanted, bound) { return (entryOf(collection, wanted, bound, true) || [])[1]; },
    findWhere: function (collection, source) { return (entryOf(collection, Object(source)) || [])[1]; },
    findIndex: function (array, wanted, bound) { const found = entryOf(list(array), wanted, bound); return found ? found[0] : -1; },
    findLastIndex: function (array, wanted, bound) { const found = entryOf(list(array), wanted, bound, true); return found ? found[0] : -1; },
    findKey: function (object, wanted, bound) { const found = entryOf(Object.assign({}, object), wanted, bound); return found && found[0]; },
    first: function (array) { return list(array)[0]; },
    last: function (array) { return list(array).pop(); },
    indexOf: function (array, value, from) {
        const all = list(array), start = typeof from === 'number' ? (from < 0 ? Math.max(0, all.length + from) : from) : 0;
        return all.findIndex(function (one, at) { return at >= start && equals(one, value); });
    },
    lastIndexOf: function (array, value) { return list(array).lastIndexOf(value); },
    reduce: function (collection, join, first) { return reduce(collection, join, first, arguments.length > 2, entries(collection)); },
    reduceRight: function (collection, join, first) { return reduce(collection, join, first, arguments.length > 2, entries(collection).reverse()); },
    max: function (collection, change, bound) { return best(collection, change, bound, function (left, right) { return left > right; }); },
    min: function (collection, change, bound) { return best(collection, change, bound, function (left, right) { return left < right; }); },
    sum: function (collection, change, bound) { return map(collection, change, bound).reduce(function (all, one) { return all + (Number(one) || 0); }, 0); },
    size: function (collection) { return entries(collection).length; },
    get: get,
    has: has,
    result: function (object, path, otherwise) {
        const value = get(object, path, otherwise), way = own(object, path) ? [] : steps(path).slice(0, -1);
        return typeof value === 'function' ? value.call(way.length ? get(object, way) : object) : value;
    },
    isEmpty: function (value) { return entries(value).length === 0; },
    isEqual: function (left, right) { return isEqual(left, right); },
    isMatch: isMatch,
    inRange: function (value, from, to) { return to === undefined ? value >= 0 && value < from : value >= Math.min(from, to) && value < Math.max(from, to); },
    random: function (from, to) {
        const low = to === undefined ? 0 : from, high = to === undefined ? count(from, 1) : to;
        return low + Math.floor(Math.random() * (high - low + 1));
    },
    identity: identity,
    now: Date.now,
    parseInt: function (value, base) { return parseInt(text(value), base); },
    uniqueId: (function () { let last = 0; return function (prefix) { return text(prefix) + ++last; }; })(),
    camelCase: function (value) { return words(value).map(function (word, at) { return at ? capitalize(word.toLowerCase()) : word.toLowerCase(); }).join(''); },
    capitalize: capitalize,
    endsWith: function (value, end, at) { return text(value).endsWith(String(end), at); },
    escape: function (value) { return text(value).replace(/[&<>"'`]/g, function (one) { return ENTITIES[one]; }); },
    escapeRegExp: function (value) { return text(value).replace(/[\\^$.*+?()[\]{}|\/]/g, '\\$&'); },
    kebabCase: function (value) { return words(value).join('-').toLowerCase(); },
    pad: function (value, length, fill) { return pad(value, length, fill, true, true); },
    padLeft: function (value, length, fill) { return pad(value, length, fill, true, false); },
    padRight: function (value, length, fill) { return pad(value, length, fill, false, true); },
    repeat: function (value, times) { return text(value).repeat(count(times, 0)); },
    snakeCase: function (value) { return words(value).join('_').toLowerCase(); },
    startCase: function (value) { return words(value).map(capitalize).join(' '); },
    startsWith: function (value, begin, at) { return text(value).startsWith(String(begin), at); },
    trim: function (value, characters) { return trimmed(value, characters, true, true); },
    trimLeft: function (value, characters) { return trimmed(value, characters, true, false); },
    trimRight: function (value, characters) { return trimmed(value, characters, false, true); },
    noop: none,
    add: function (left, right) { return left + right; },
    attempt: function (call) { try { return call.apply(undefined, Array.prototype.slice.call(arguments, 1)); } catch (error) { return error instanceof Error ? error : new Error(error); } },
    ceil: function (value, digits) { return rounded(Math.ceil, value, digits); },
    floor: function (value, digits) { return rounded(Math.floor, value, digits); },
    round: function (value, digits) { return rounded(Math.round, value, digits); },
    gt: function (left, right) { return left > right; },
    gte: function (left, right) { return left >= right; },
    lt: function (left, right) { return left < right; },
    lte: function (left, right) { return left <= right; }
}, is);
ending.eq = ending.isEqual; ending.all = ending.every; ending.any = ending.some; ending.detect = ending.find; ending.head = ending.first;
ending.includes = ending.include = ending.contains; ending.foldl = ending.inject = ending.reduce; ending.foldr = ending.reduceRight;

const going = {
    assign: assign,
    at: function (collection) { return flatten(Array.prototype.slice.call(arguments, 1), true).map(function (key) { return collection[key]; }); },
    bind: function (call) { return Function.prototype.bind.apply(call, Array.prototype.slice.call(arguments, 1)); },
    chunk: function (array, size) {
        const all = list(array), width = Math.max(1, count(size, 1)), result = [];
        for (let at = 0; at < all.length; at += width) result.push(all.slice(at, at + width));
        return result;
    },
    clone: function (value, deep, custom) { return clone(value, deep === true, typeof deep === 'function' ? deep : custom); },
    cloneDeep: function (value, custom) { return clone(value, true, custom); },
    compact: function (array) { return list(array).filter(Boolean); },
    constant: function (value) { return function () { return value; }; },
    countBy: function (collection, change, bound) { return grouped(collection, change, bound, function (groups, key) { put(groups, key, (own(groups, key) ? groups[key] : 0) + 1); }); },
    defaults: function (target) {
        const result = is.isObject(target) ? target : {};
        Array.prototype.slice.call(arguments, 1).forEach(function (source) {
            keys(source).forEach(function (key) { if (result[key] === undefined) put(result, key, source[key]); });
        });
        return result;
    },
    difference: function (array) { const gone = flatten(Array.prototype.slice.call(arguments, 1)); return list(array).filter(function (one) { return !within(gone, one); }); },
    drop: function (array, many) { return slice(array, count(many, 1)); },
    dropRight: function (array, many) { const all = list(array); return all.slice(0, Math.max(0, all.length - count(many, 1))); },
    dropWhile: function (array, wanted, bound) { const call = callback(wanted, bound), all = list(array), end = all.findIndex(function (one, at) { return !call(one, at, array); }); return end < 0 ? [] : all.slice(end); },
    filter: filter,
    flatten: flatten,
    flattenDeep: function (array) { return flatten(array, true); },
    forEach: each,
    forEachRight: function (collection, visit, bound) { const call = callback(visit, bound); entries(collection).reverse().some(function (entry) { return call(entry[1], entry[0], collection) === false; }); return collection; },
    forIn: function (object, visit, bound) { const call = callback(visit, bound); for (const key in Object(object)) if (call(object[key], key, object) === false) break; return object; },
    forOwn: function (object, visit, bound) { const call = callback(visit, bound); keys(object).some(function (key) { return call(object[key], key, object) === false; }); return object; },
    functions: function (object) { const names = []; for (const key in Object(object)) if (typeof object[key] === 'function') names.push(key); return names; },
    groupBy: function (collection, change, bound) { return grouped(collection, change, bound, function (groups, key, value) { if (own(groups, key)) groups[key].push(value); else put(groups, key, [value]); }); },
    indexBy: function (collection, change, bound) { return grouped(collection, change, bound, put); },
    initial: function (array) { return slice(array, 0, -1); },
    intersection: function (array) { const others = Array.prototype.slice.call(arguments, 1).map(list); return uniq(array).filter(function (one) { return others.every(function (other) { return within(other, one); }); }); },
    invert: function (object) { return keys(object).reduce(function (all, key) { put(all, String(object[key]), key); return all; }, {}); },
    invoke: function (collection, method) { const given = Array.prototype.slice.call(arguments, 2); return values(collection).map(function (one) { return (typeof method === 'function' ? method : get(one, method)).apply(one, given); }); },
    keys: keys,
    keysIn: function (object) { const names = []; for (const key in Object(object)) names.push(key); return names; },
    map: map,
    mapKeys: function (object, change, bound) { const call = callback(change, bound); return keys(object).reduce(function (all, key) { put(all, String(call(object[key], key, object)), object[key]); return all; }, {}); },
    mapValues: function (object, change, bound) { const call = callback(change, bound); return keys(object).reduce(function (all, key) { put(all, key, call(object[key], key, object)); return all; }, {}); },
    matches: function (source) { return function (object) { return isMatch(object, source); }; },
    matchesProperty: function (path, value) { return function (object) { return isEqual(get(object, path), value); }; },
    memoize: function (call, key) { const known = new Map(); return function (first) { const name = key ? key.apply(this, arguments) : first; if (!known.has(name)) known.set(name, call.apply(this, arguments)); return known.get(name); }; },
    merge: function (target) { return Array.prototype.slice.call(arguments, 1).reduce(merge, is.isObject(target) ? target : {}); },
    negate: function (call) { return function () { return !call.apply(this, arguments); }; },
    omit: function (object) { return chosen(object, Array.prototype.slice.call(arguments, 1), false); },
    once: function (call) { let done = false, result; return function () { if (!done) { done = true; result = call.apply(this, arguments); } return result; }; },
    pairs: function (object) { return keys(object).map(function (key) { return [key, object[key]]; }); },
    partial: function (call) { const given = Array.prototype.slice.call(arguments, 1); return function () { return call.apply(this, given.concat(Array.from(arguments))); }; },
    partition: function (collection, wanted, bound) { const call = callback(wanted, bound), parts = [[], []]; entries(collection).forEach(function (entry) { parts[call(entry[1], entry[0], collection) ? 0 : 1].push(entry[1]); }); return parts; },
    pick: function (object) { return chosen(object, Array.prototype.slice.call(arguments, 1), true); },
    pluck: function (collection, path) { return map(collection, function (one) { return get(one, path); }); },
    property: function (path) { return function (object) { return get(object, path); }; },
    pull: function (array) { const gone = Array.prototype.slice.call(arguments, 1); for (let at = array.length - 1; at >= 0; at--) if (within(gone, array[at])) array.splice(at, 1); return array; },
    range: function (from, to, step) {
        const start = to === undefined ? 0 : from, end = to === undefined ? from : to, width = step === undefined ? 1 : step, result = [];
        for (let at = start; width && (width > 0 ? at < end : at > end); at += width) result.push(at);
        return result;
    },
    reject: function (collection, wanted, bound) { const call = callback(wanted, bound); return filter(collection, function (value, key, all) { return !call(value, key, all); }); },
    remove: function (array, wanted, bound) {
        const call = callback(wanted, bound), gone = [], kept = [];
        Array.from(array).forEach(function (value, at) { (call(value, at, array) ? gone : kept).push(value); });
        array.splice.apply(array, [0, array.length].concat(kept));
        return gone;
    },
    rest: function (array) { return slice(array, 1); },
    set: set,
    slice: slice,
    sortBy: function (collection, change, bound) { return orderBy(collection, [bound === undefined || typeof change !== 'function' ? change : change.bind(bound)]); },
    sortByAll: function (collection) { return orderBy(collection, flatten(Array.prototype.slice.call(arguments, 1))); },
    sortByOrder: function (collection, wanted, orders) { return orderBy(collection, [].concat(wanted), [].concat(orders)); },
    take: function (array, many) { return slice(array, 0, count(many, 1)); },
    takeRight: function (array, many) { const all = list(array), wanted = count(many, 1); return all.slice(Math.max(0, all.length - wanted)); },
    takeWhile: function (array, wanted, bound) { const call = callback(wanted, bound), all = list(array), end = all.findIndex(function (one, at) { return !call(one, at, array); }); return end < 0 ? all : all.slice(0, end); },
    times: function (many, change, bound) { return map(going.range(count(many, 0)), change, bound); },
    toArray: values,
    transform: function (object, change, first) {
        const result = first !== undefined ? first : Array.isArray(object) ? [] : {};
        entries(object).some(function (entry) { return change(result, entry[1], entry[0], object) === false; });
        return result;
    },
    union: function () { return uniq(flatten(Array.from(arguments).filter(isList))); },
    uniq: uniq,
    unzip: function (arrays) { return going.zip.apply(null, arrays); },
    values: function (object) { return keys(object).map(function (key) { return object[key]; }); },
    where: function (collection, source) { return filter(collection, Object(source)); },
    without: function (array) { const gone = Array.prototype.slice.call(arguments, 1); return list(array).filter(function (one) { return !within(gone, one); }); },
    words: function (value) { return words(value); },
    xor: function () { const all = Array.from(arguments).map(list); return uniq(flatten(all).filter(function (one) { return all.filter(function (array) { return within(array, one); }).length === 1; })); },
    zip: function () {
        const arrays = Array.from(arguments).map(list), longest = Math.max.apply(null, [0].concat(arrays.map(function (array) { return array.length; })));
        return going.range(longest).map(function (at) { return arrays.map(function (array) { return array[at]; }); });
    },
    zipObject: function (names, given) {
        return list(names).reduce(function (all, name, at) { put(all, given === undefined ? name[0] : name, given === undefined ? name[1] : given[at]); return all; }, {});
    }
};
going.each = going.forEach; going.eachRight = going.forEachRight; going.collect = going.map; going.extend = going.assign; going.select = going.filter;
going.object = going.zipObject; going.tail = going.rest; going.unique = going.uniq; going.methods = going.functions;

function Chain(value, explicit) {
    this.wrapped = value;
    this.explicit = explicit;
}
function lodash(value) { return value instanceof Chain ? value : new Chain(value, false); }
function add(functions, ends) {
    Object.keys(functions).forEach(function (name) {
        lodash[name] = functions[name];
        Chain.prototype[name] = function () {
            const result = functions[name].apply(lodash, [this.wrapped].concat(Array.from(arguments)));
            return ends && !this.explicit ? result : new Chain(result, this.explicit);
        };
    });
}
add(ending, true);
add(going, false);
lodash.chain = function (value) { return new Chain(value, true); };
lodash.tap = function (value, visit, bound) { visit.call(bound, value); return value; };
lodash.thru = function (value, change, bound) { return change.call(bound, value); };
Chain.prototype.chain = function () { return new Chain(this.wrapped, true); };
Chain.prototype.tap = function (visit, bound) { visit.call(bound, this.wrapped); return this; };
Chain.prototype.thru = function (change, bound) { return new Chain(change.call(bound, this.wrapped), this.explicit); };
Chain.prototype.value = Chain.prototype.valueOf = Chain.prototype.toJSON = Chain.prototype.run = function () { return this.wrapped; };
['concat', 'join', 'pop', 'push', 'shift', 'sort', 'splice', 'unshift', 'reverse', 'replace', 'split'].forEach(function (name) {
    Chain.prototype[name] = function () {
        const kept = ['push', 'sort', 'unshift', 'reverse'].indexOf(name) >= 0;
        const result = this.wrapped[name].apply(this.wrapped, arguments);
        const ends = ['join', 'pop', 'shift', 'replace'].indexOf(name) >= 0;
        return ends && !this.explicit ? result : new Chain(kept ? this.wrapped : result, this.explicit);
    };
});
lodash.VERSION = '3.10.1';
module.exports = lodash;
