const m = require("./gone"); module.exports = 1;
