app.post('/login/passkey/new', async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  user.webauthnCredentials.push({ credentialId: newCredentialId, deviceType: info.credentialDeviceType });
  req.session.userId = user.id;
  res.end();
});
