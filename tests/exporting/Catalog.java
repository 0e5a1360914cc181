import java.io.StringWriter;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.gradle.api.internal.artifacts.DependencyResolutionServices;
import org.gradle.api.internal.catalog.DefaultVersionCatalog;
import org.gradle.api.internal.catalog.DefaultVersionCatalogBuilder;
import org.gradle.api.internal.catalog.LibrariesSourceGenerator;
import org.gradle.api.internal.catalog.parser.TomlCatalogFileParser;
import org.gradle.api.internal.project.ProjectInternal;
import org.gradle.api.model.ObjectFactory;
import org.gradle.api.problems.Problems;
import org.gradle.api.problems.internal.InternalProblems;
import org.gradle.internal.impldep.com.google.common.collect.Interners;
import org.gradle.testfixtures.ProjectBuilder;

/** Reads a version catalog by Gradle's own classes, and prints the accessors that build scripts get, with what they name. */
class Catalog {
    public static void main(String[] arguments) throws Exception {
        ProjectInternal project = (ProjectInternal) ProjectBuilder.builder().build();
        ObjectFactory objects = project.getServices().get(ObjectFactory.class);
        InternalProblems problems = (InternalProblems) project.getServices().get(Problems.class);
        Supplier<DependencyResolutionServices> resolvesNothing = () -> null;
        DefaultVersionCatalogBuilder builder = objects.newInstance(DefaultVersionCatalogBuilder.class, "libs",
            Interners.newStrongInterner(), Interners.newStrongInterner(), objects, resolvesNothing);
        TomlCatalogFileParser.parse(Path.of(arguments[0]), builder, () -> problems);
        DefaultVersionCatalog catalog = builder.build();
        // Fails where two accessors clash.
        LibrariesSourceGenerator.generateSource(new StringWriter(), catalog, "accessors", "Libs", problems);
        for (String alias : catalog.getLibraryAliases()) {
            var named = catalog.getDependencyData(alias);
            var version = named.getVersion().getRequiredVersion();
            System.out.printf("libs.%s %s:%s:%s%n", alias, named.getGroup(), named.getName(), version);
        }
        for (String alias : catalog.getPluginAliases()) {
            var named = catalog.getPlugin(alias);
            System.out.printf("libs.plugins.%s %s:%s%n", alias, named.getId(), named.getVersion());
        }
    }
}
