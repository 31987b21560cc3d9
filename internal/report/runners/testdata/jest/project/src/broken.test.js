const thing = require('./absent');

test('never runs', () => thing());
