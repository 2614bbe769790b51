using Microsoft.AspNetCore.Authentication;

public interface ICurrentUser
{
    User User { get; set; }
}

public static class Services
{
    public static void Add(IServiceCollection services) => services.AddSingleton<ICurrentUser, CurrentUser>();
}

public class CallerMiddleware
{
    public async Task InvokeAsync(HttpContext context, ICurrentUser current)
    {
        current.User = await _users.Find(context.User.Identity.Name);
        await _next(context);
    }
}

public class DocumentController : Controller
{
    private readonly ICurrentUser _current;

    [HttpPost("login")]
    public async Task<IActionResult> Login(LoginForm form)
    {
        await HttpContext.SignInAsync("cookies", principalOf(form));
        return Ok();
    }

    [HttpDelete("documents/{id}")]
    public IActionResult Remove(int id)
    {
        if (_current.User.Role != "admin") return Forbid();
        return Ok();
    }
}
