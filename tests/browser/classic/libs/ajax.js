// One XMLHttpRequest with the headers the older stock client puts on every call.
define([], function () {
    "use strict";
    var lost = function () {};
    function encoded(text) {
        var value = encodeURIComponent(text);
        return value === text ? text : "UTF-8''" + value;
    }
    function call(options) {
        var xhr = new XMLHttpRequest(), headers = options.headers || {}, name;
        xhr.open(options.type || "GET", "/openidm/" + options.url, true);
        xhr.withCredentials = true;
        xhr.setRequestHeader("Accept", "application/json, text/javascript, */*; q=0.01");
        xhr.setRequestHeader("X-Requested-With", "XMLHttpRequest");
        xhr.setRequestHeader("Cache-Control", "no-cache");
        if (options.data !== undefined || options.type === "POST") { xhr.setRequestHeader("Content-Type", "application/json"); }
        for (name in headers) { if (Object.prototype.hasOwnProperty.call(headers, name)) { xhr.setRequestHeader(name, headers[name]); } }
        xhr.onload = function () {
            var body = null;
            try { body = JSON.parse(xhr.responseText); } catch (ignored) { body = null; }
            if (xhr.status >= 200 && xhr.status < 300 || xhr.status === 304) {
                options.success(body, xhr);
            } else if (xhr.status === 401 && !options.quiet) {
                lost();
            } else if (options.error) {
                options.error(body || {}, xhr);
            }
        };
        xhr.send(options.data === undefined ? null : JSON.stringify(options.data));
    }
    call.encoded = encoded;
    call.anonymous = { "X-OpenIDM-Username": "anonymous", "X-OpenIDM-Password": "anonymous", "X-OpenIDM-NoSession": "true" };
    call.whenLost = function (act) { lost = act; };
    return call;
});
