const state = { currentUser: null, sessionCount: 0 };
module.exports = { state };
