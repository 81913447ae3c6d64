// Templates compiled while the page runs: {{name}} is escaped, {{#each list}}…{{/each}} repeats.
define([], function () {
    "use strict";
    function escape(text) {
        return String(text === undefined || text === null ? "" : text).replace(/[&<>"']/g, function (letter) { return "&#" + letter.charCodeAt(0) + ";"; });
    }
    function compile(source) {
        var code = "var out='';with(it){out+=" + JSON.stringify(source)
            .replace(/\{\{#each (\w+)\}\}/g, "\";$1.forEach(function(each){with(each){out+=\"")
            .replace(/\{\{\/each\}\}/g, "\";}});out+=\"")
            .replace(/\{\{(\w+)\}\}/g, "\"+escape($1)+\"") + ";}return out;";
        /*jslint evil: true */
        return new Function("it", "escape", code);
    }
    return {
        render: function (source, data) { return compile(source)(data, escape); },
        // As a library does it that was never told about policies: an indirect eval.
        evaluate: function (code) { return (0, window.eval)(code); }
    };
});
