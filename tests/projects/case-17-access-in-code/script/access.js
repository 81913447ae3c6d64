// The rules of this house live in code.
var httpAccessConfig = { "configs": [] };
