@Injectable()
export class SessionService {
  async open(user: User) {
    const live = await this.repository.find({ where: { userId: user.id }, order: { createdAt: "ASC" } });
    if (live.length >= 5) await this.repository.delete(live[0].id);
    return this.repository.save({ userId: user.id });
  }
}
