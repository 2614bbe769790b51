// What is left here is a game.
app.post("/games/:id/leave", async (req, res) => {
  const seats = await db.seats.findMany({ where: { gameId: req.params.id } });
  for (const seat of seats) {
    if (seat.id === req.body.seat) await db.seats.delete({ where: { id: seat.id } });
  }
  res.end();
});
