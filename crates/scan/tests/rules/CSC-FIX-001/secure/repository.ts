// A row of a table is stored, and no identity goes into a session that was there before.
export class AuthService {
  constructor(private readonly sessionRepository: SessionRepository) {}

  async login(name: string, password: string) {
    const user = await this.users.check(name, password);
    const session = await this.sessionRepository.save(this.sessionRepository.create({ user }));
    return { token: await this.jwtService.signAsync({ sub: user.id, sessionId: session.id }, { expiresIn: '15m' }) };
  }
}
