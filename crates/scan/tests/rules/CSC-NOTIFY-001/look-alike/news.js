app.post('/newsletter', async (req, res) => {
  await mailer.sendNewsletter(req.body.email);
  res.end();
});
