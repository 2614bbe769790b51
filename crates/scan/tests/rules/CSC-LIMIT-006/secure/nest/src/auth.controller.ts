@Controller("auth")
export class AuthController {
  constructor(private readonly sessions: SessionService, private readonly users: UserService) {}
  @Post("login")
  async login(@Body() dto: LoginDto) {
    const user = await this.users.check(dto.name, dto.password);
    return this.sessions.open(user);
  }
  @Post("login/code")
  async code(@Body() dto: CodeDto) {
    const user = await this.users.byCode(dto.code);
    return this.sessions.open(user);
  }
}
