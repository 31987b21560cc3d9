var total = function (hits) {
  let unused = 1;
  if (hits == null) { undefinedCall() }
  debugger;
  return hits
}
