// The functions that access rules call, for rules that the sandbox evaluates. `facts` holds what the server knows of the request.
function ownDataOnly() { return facts.ownData; }
function ownRelationship() { return facts.ownRelationship; }
function ownRelationshipProperty(name) { return facts.ownProperty !== null && facts.ownProperty === name; }
function ownRelationshipCollection(names) { return facts.ownProperty !== null && [].concat(names).indexOf(facts.ownProperty) >= 0; }
function ownIDP() { return false; }
function isSelfServiceRequest() { return false; }
function isMyTask() { throw new Error('there is no workflow here'); }
function canUpdateTask() { throw new Error('there is no workflow here'); }
function isAllowedToStartProcess() { throw new Error('there is no workflow here'); }
function isOneOfMyWorkflows() { throw new Error('there is no workflow here'); }
function checkIfApiRequest() { return facts.describes; }
function checkIfAnyFeatureEnabled(names) { return [].concat(names).some(function (name) { return facts.features[name] === true; }); }
function checkIfUIIsEnabled(flag) { return facts.flags[flag] === true; }
function checkIfProgressiveProfileIsEnabled() { return facts.profile; }
function disallowQueryExpression() { return !facts.byExpression; }
function disallowCommandAction() { return request.method !== 'action' || request.action !== 'command'; }
function isQueryOneOf(allowed) {
    var queries = Object.prototype.hasOwnProperty.call(allowed, request.resourcePath) ? allowed[request.resourcePath] : [];
    return typeof request.queryId === 'string' && [].concat(queries).indexOf(request.queryId) >= 0;
}
function reauthIfProtectedAttributeChange() { return true; }
function restrictPatchToFields(fields) {
    var patches = request.method === 'patch' || (request.method === 'action' && request.action === 'patch');
    return patches && facts.written !== null && facts.written.every(function (name) { return [].concat(fields).indexOf(name) >= 0; });
}
function getChangedValues() { return facts.written === null ? [] : facts.written.slice(); }
function onlyEditableManagedObjectProperties(object, also) {
    var editable = facts.editable[object];
    if (!editable) { return false; }
    return facts.replaces || facts.written === null || facts.written.every(function (name) {
        return editable.indexOf(name) >= 0 || [].concat(also || []).indexOf(name) >= 0;
    });
}
function managedUserRestrictedToAllowedProperties(names) {
    var allowed = (typeof names === 'string' ? names.split(',') : names).map(function (name) { return name.trim().toLowerCase(); });
    if (request.resourcePath.indexOf('managed/user') !== 0) { return true; }
    return facts.written === null || facts.written.every(function (name) { return allowed.indexOf(name.toLowerCase()) >= 0; });
}
function managedUserRestrictedToAllowedRoles(roles) {
    var allowed = (typeof roles === 'string' ? roles.split(',') : roles).map(function (role) { return role.trim(); });
    return facts.assigned !== null && facts.assigned.every(function (role) { return allowed.indexOf(role) >= 0; });
}
function contains(list, item) { return list !== undefined && list !== null && list.indexOf(item) >= 0; }
function containsIgnoreCase(list, item) {
    return list !== undefined && list !== null && list.some(function (one) { return String(one).toLowerCase() === String(item).toLowerCase(); });
}
