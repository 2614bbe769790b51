// A session of a shop's till, and what is built only to be checked, sign nobody in.
app.post('/account/upgrade', async (req, res) => {
  const session = await stripe.checkout.sessions.create({ customer: req.user.customerId });
  res.redirect(session.url);
});
