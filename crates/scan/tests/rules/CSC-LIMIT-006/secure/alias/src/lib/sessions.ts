export async function open(user: User) {
  return prisma.$transaction(async (tx) => {
    const live = await tx.session.findMany({ where: { userId: user.id } });
    if (live.length >= 5) await tx.session.delete({ where: { id: live[0].id } });
    return tx.session.create({ data: { userId: user.id, expiresAt: inHours(12) } });
  }, { isolationLevel: "Serializable" });
}
