router.post("/login", async (req, res) => {
  const user = await users.check(req.body.name, req.body.password);
  const session = await prisma.session.create({ data: { userId: user.id } });
  const surplus = await prisma.session.findMany({
    where: { userId: user.id },
    orderBy: { createdAt: "desc" },
    skip: MAX_SESSIONS,
    select: { id: true },
  });
  await prisma.session.deleteMany({ where: { id: { in: surplus.map((one) => one.id) } } });
  res.cookie("sid", session.id, { httpOnly: true, secure: true, sameSite: "lax", maxAge: 3600000 }).end();
});
