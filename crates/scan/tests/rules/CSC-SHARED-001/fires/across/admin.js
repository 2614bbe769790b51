const { state } = require("./state");

function mayDelete(account) {
  return state.currentUser.id === account.ownerId;
}
module.exports = { mayDelete, session: true };
